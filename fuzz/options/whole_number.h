// The one rule for numbers on command lines, the same for all programs.
#ifndef SHOOTDOWN_FUZZ_OPTIONS_WHOLE_NUMBER_H_
#define SHOOTDOWN_FUZZ_OPTIONS_WHOLE_NUMBER_H_

#include <CLI/CLI.hpp>
#include <cstdint>

namespace shootdown {

// Takes decimal digits alone, from `min` to `max`. CLI11 by itself reads -1 as the largest number there
// is, what is too large as well, and 010 as eight.
[[nodiscard]] CLI::Validator WholeNumber(std::uint64_t min, std::uint64_t max = UINT64_MAX);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_OPTIONS_WHOLE_NUMBER_H_
