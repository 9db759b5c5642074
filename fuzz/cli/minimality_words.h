// What is known of how small a failure's schedule is, for people and for scripts.
#ifndef SHOOTDOWN_FUZZ_CLI_MINIMALITY_WORDS_H_
#define SHOOTDOWN_FUZZ_CLI_MINIMALITY_WORDS_H_

#include <nlohmann/json.hpp>
#include <string>

#include "fuzz/corpus/failure.h"

namespace shootdown {

// `minimum, proven: ...` or `1-minimal: ...`, or that it is not known.
[[nodiscard]] std::string MinimalityText(const Failure& failure);
// `minimum, proven` or `1-minimal`; null if it is not known.
[[nodiscard]] nlohmann::ordered_json MinimalityJson(const Failure& failure);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_MINIMALITY_WORDS_H_
