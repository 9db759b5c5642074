// Operations that no run has done, for people and for scripts.
#ifndef SHOOTDOWN_FUZZ_CLI_UNDONE_WORDS_H_
#define SHOOTDOWN_FUZZ_CLI_UNDONE_WORDS_H_

#include <string>
#include <string_view>
#include <vector>

#include "fuzz/cli/json_output.h"
#include "fuzz/scenario/scenario.h"
#include "fuzz/scenario/undone.h"

namespace shootdown {

// A line for each task: `no schedule gets app past "sleep q" (operation 1 of 2); never done: "munmap A" (2)`.
// `nobody`: `no schedule`, or whatever it was that did not do it.
[[nodiscard]] std::vector<std::string> UndoneLines(const Scenario& scenario,
                                                   const std::vector<Undone>& undone,
                                                   std::string_view nobody);
// An entry for each operation; they count from 1.
[[nodiscard]] Json UndoneJson(const Scenario& scenario, const std::vector<Undone>& undone);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_UNDONE_WORDS_H_
