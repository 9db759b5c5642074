// Numbers outside of guest memory that runs make larger, and do not read: how far they have come
// (kernel::Kernel::reached). What several parts of a search have reached, one after the other or at the same
// time, is the larger of each.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_REACHED_H_
#define SHOOTDOWN_FUZZ_EXPLORE_REACHED_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fuzz/explore/saved_bytes.h"

namespace shootdown::explore {

using Reached = std::span<std::uint32_t>;

inline void SaveReached(Reached reached, std::string& bytes) {
  for (const std::uint32_t number : reached) Put(bytes, number);
}

// Takes those of another part from the front of `bytes`. False: none are there.
[[nodiscard]] inline bool JoinReached(Reached reached, std::string_view& bytes) {
  return std::ranges::all_of(reached, [&bytes](std::uint32_t& number) {
    std::uint32_t other = 0;
    if (!Get(bytes, other)) return false;
    number = std::max(number, other);
    return true;
  });
}

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_REACHED_H_
