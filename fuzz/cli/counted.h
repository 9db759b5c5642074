// A number and what it counts, for people.
#ifndef SHOOTDOWN_FUZZ_CLI_COUNTED_H_
#define SHOOTDOWN_FUZZ_CLI_COUNTED_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace shootdown {

// `1 run`, `2 runs`.
[[nodiscard]] std::string Counted(std::uint64_t count, std::string_view noun);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_COUNTED_H_
