#include "fuzz/sim/site.h"

#include "fuzz/sim/arena.h"

namespace shootdown::sim {

std::string SiteName(const Site& site) {
  return std::string(site.function) + ": " + site.label;
}

std::string FormatNumber(std::uint64_t value) {
  const auto small = static_cast<std::int64_t>(value);
  return small < 0 && small > -1'000'000 ? std::to_string(small) : std::to_string(value);
}

std::string FormatObject(std::uint64_t value) {
  return value == 0 ? "NULL" : Arena::Live().NameOf(static_cast<WordIndex>(value));
}

std::string FormatMask(std::uint64_t value) {
  std::string text = "{";
  for (int bit = 0; bit < 64; ++bit) {
    if ((value >> bit & 1) == 0) continue;
    if (text.size() > 1) text += ",";
    text += std::to_string(bit);
  }
  return text + "}";
}

}  // namespace shootdown::sim
