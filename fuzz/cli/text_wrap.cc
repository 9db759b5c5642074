#include "fuzz/cli/text_wrap.h"

namespace shootdown {

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
