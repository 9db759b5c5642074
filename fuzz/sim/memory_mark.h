// Where, in a run, a thread begins to remember what its steps told it, and where it forgets it. Guest code
// says so with the words of fuzz/sim/forget.h; searches over states (fuzz/explore) read it.
#ifndef SHOOTDOWN_FUZZ_SIM_MEMORY_MARK_H_
#define SHOOTDOWN_FUZZ_SIM_MEMORY_MARK_H_

#include <cstdint>

#include "fuzz/sim/log.h"

namespace shootdown::sim {

// Beside the log, not in it: no trace shows it.
struct MemoryMark {
  enum class Kind : std::uint8_t {
    kEnter,  // from here on the actor learns things
    kAgain,  // which it has forgotten, and begins to learn anew
    kLeave,  // which it has forgotten
    kLearn,  // `place` is what it has learned without a step
  };
  Kind kind;
  std::uint16_t actor;
  // A site's hash, or 0: an interrupt, which leaves the actor where it was. kLearn: a value.
  std::uint64_t place;
  Row row;  // the row that comes next
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_MEMORY_MARK_H_
