// Whether a failure needs stores that linger: whether it is one of TSO, or of interleaving alone.
#ifndef SHOOTDOWN_FUZZ_ENGINE_STORE_BUFFER_NEED_H_
#define SHOOTDOWN_FUZZ_ENGINE_STORE_BUFFER_NEED_H_

#include <cstdint>
#include <string>

#include "fuzz/schedule/schedule.h"
#include "fuzz/sim/subject.h"

namespace shootdown {

struct StoreBufferNeed {
  enum class Answer : std::uint8_t {
    kNotNeeded,  // `schedule` fails in the same way with every store in memory at once, as under SC
    kNeeded,     // no such schedule of at most as many decisions does
    kUnknown,    // the runs did not suffice to try them all
  };
  Answer answer = Answer::kUnknown;
  Schedule schedule;
  std::uint64_t run_count = 0;
};

// A store waits, and a load gives an old value, only where a decision says so; a schedule without
// such decisions is one of SC. First `schedule` without them; then every schedule without them, of
// at most as many decisions as `schedule` has, of its other kinds and switches. REQUIRES:
// `schedule` makes `subject` fail with this KindKey.
[[nodiscard]] StoreBufferNeed AskForStoreBuffer(sim::Subject& subject, const Schedule& schedule,
                                                const std::string& kind_key,
                                                std::uint64_t run_count_max);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_STORE_BUFFER_NEED_H_
