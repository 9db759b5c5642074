// What is known of how small a failure's schedule is, for people and for scripts.
#ifndef SHOOTDOWN_FUZZ_CLI_MINIMALITY_WORDS_H_
#define SHOOTDOWN_FUZZ_CLI_MINIMALITY_WORDS_H_

#include <string>

#include "fuzz/cli/json_output.h"
#include "fuzz/corpus/failure.h"

namespace shootdown {

// `minimum, proven: ...` or `1-minimal: ...`, or that it is not known.
[[nodiscard]] std::string MinimalityText(const Failure& failure);
// `minimum, proven` or `1-minimal`; null if it is not known.
[[nodiscard]] Json MinimalityJson(const Failure& failure);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_MINIMALITY_WORDS_H_
