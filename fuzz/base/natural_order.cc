#include "fuzz/base/natural_order.h"

#include <algorithm>
#include <cstddef>

namespace shootdown {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the number off the front of `text`, without leading zeros. Numbers may be of any length.
std::string_view TakeNumber(std::string_view* text) {
  std::size_t end = 0;
  while (end < text->size() && IsDigit((*text)[end])) ++end;
  std::string_view number = text->substr(0, end);
  text->remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

}  // namespace

bool NaturalLess(std::string_view a, std::string_view b) {
  std::string_view x = a;
  std::string_view y = b;
  while (!x.empty() && !y.empty()) {
    if (IsDigit(x[0]) && IsDigit(y[0])) {
      const std::string_view m = TakeNumber(&x);
      const std::string_view n = TakeNumber(&y);
      if (m.size() != n.size()) return m.size() < n.size();
      if (m != n) return m < n;
      continue;
    }
    if (x[0] != y[0]) return static_cast<unsigned char>(x[0]) < static_cast<unsigned char>(y[0]);
    x.remove_prefix(1);
    y.remove_prefix(1);
  }
  if (x.empty() && y.empty()) return a < b;
  return x.empty();
}

}  // namespace shootdown
