#include "fuzz/cli/text_wrap.h"

#include <algorithm>

namespace shootdown {
namespace {

// Not one of a character's further bytes.
bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

}  // namespace

std::size_t WidthOf(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, BeginsCharacter));
}

std::string CutOff(std::string_view text, std::size_t width) {
  std::size_t characters = 0;
  const auto* const end = std::ranges::find_if(
      text, [&](char c) { return BeginsCharacter(c) && ++characters > width; });
  return {text.begin(), end};
}

std::vector<std::string> Wrap(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  std::string rest = text;
  while (rest.size() > width) {
    std::size_t at = rest.rfind(' ', width);
    if (at == std::string::npos || at < width / 3) at = width;
    lines.push_back(rest.substr(0, at));
    rest = "     " + rest.substr(rest[at] == ' ' ? at + 1 : at);
  }
  lines.push_back(rest);
  return lines;
}

}  // namespace shootdown
