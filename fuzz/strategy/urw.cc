#include "fuzz/strategy/urw.h"

#include <algorithm>

namespace shootdown {

void Urw::NewRun(const sim::Machine& /*machine*/) {
  for (Steps& s : std::span(steps_).first(static_cast<std::size_t>(cpu_count()))) {
    s.before += s.taken;
    s.taken = 0;
    s.left = run_count_ == 0 ? 0 : (s.before + run_count_ / 2) / run_count_;
  }
  ++run_count_;
}

std::uint64_t Urw::Weight(int cpu) const {
  return std::max<std::uint64_t>(steps_[static_cast<std::size_t>(cpu)].left, 1);
}

int Urw::Choose(std::span<const std::uint8_t> enabled, int /*current*/) {
  std::uint64_t sum = 0;
  for (const std::uint8_t c : enabled) sum += Weight(c);
  std::uint64_t at = prng_.Below(static_cast<std::uint32_t>(sum));
  for (const std::uint8_t c : enabled) {
    if (at < Weight(c)) return c;
    at -= Weight(c);
  }
  return enabled.back();
}

void Urw::Taken(int cpu) {
  Steps& s = steps_[static_cast<std::size_t>(cpu)];
  ++s.taken;
  if (s.left != 0) --s.left;
}

}  // namespace shootdown
