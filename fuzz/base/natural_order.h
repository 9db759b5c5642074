// Names as people count: 7.9 before 7.10, W2 before W10.
#ifndef SHOOTDOWN_FUZZ_BASE_NATURAL_ORDER_H_
#define SHOOTDOWN_FUZZ_BASE_NATURAL_ORDER_H_

#include <string_view>

namespace shootdown {

// True if `a` stands before `b`: digits in a row are one number, all else is compared by byte. A strict
// total order: `07` and `7` are equal as numbers, and then the bytes decide.
[[nodiscard]] bool NaturalLess(std::string_view a, std::string_view b);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_BASE_NATURAL_ORDER_H_
