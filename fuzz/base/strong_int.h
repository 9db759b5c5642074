// A number with a meaning: two ids of different kinds never mix, and none does arithmetic.
#ifndef SHOOTDOWN_FUZZ_BASE_STRONG_INT_H_
#define SHOOTDOWN_FUZZ_BASE_STRONG_INT_H_

#include <compare>

namespace shootdown {

template <class Tag, class Rep>
class StrongInt {
 public:
  constexpr StrongInt() = default;
  constexpr explicit StrongInt(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;

 private:
  Rep value_{};
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_BASE_STRONG_INT_H_
