// What `replay` can be asked about a failure beyond its trace: whether it needs store buffers, from
// where on it could not be avoided, and what its nearest neighbour that passes does otherwise.
#ifndef SHOOTDOWN_FUZZ_CLI_REPLAY_QUESTIONS_H_
#define SHOOTDOWN_FUZZ_CLI_REPLAY_QUESTIONS_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "fuzz/cli/json_output.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/schedule/schedule.h"

namespace shootdown {

struct ReplayQuestions {
  bool needs_store_buffer = false;
  bool last_chance = false;
  bool neighbour = false;
  std::uint64_t run_count_max = 300'000;  // for each search
};

// Prints the answers on `out`, and puts each into `json` under the question's name.
// REQUIRES: `schedule` makes `simulation` fail with this KindKey.
void AnswerQuestions(Simulation& simulation, const Schedule& schedule, const std::string& kind_key,
                     const ReplayQuestions& questions, std::FILE* out,
                     Json& json);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_REPLAY_QUESTIONS_H_
