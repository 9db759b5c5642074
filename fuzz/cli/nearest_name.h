// What a mistyped name may have meant.
#ifndef SHOOTDOWN_FUZZ_CLI_NEAREST_NAME_H_
#define SHOOTDOWN_FUZZ_CLI_NEAREST_NAME_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace shootdown {

// Of `names` the one that the fewest characters added, taken away or replaced make of `typed`, and of such
// the first; none if that would be more than a third of it.
[[nodiscard]] std::optional<std::string> NearestName(std::string_view typed,
                                                     std::span<const std::string> names);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_NEAREST_NAME_H_
