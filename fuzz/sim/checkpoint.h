// Where a run stands, kept so that later runs go on from there and do not begin at the start: guest
// state, stacks, and what the machine itself knows. For searches whose runs begin alike.
#ifndef SHOOTDOWN_FUZZ_SIM_CHECKPOINT_H_
#define SHOOTDOWN_FUZZ_SIM_CHECKPOINT_H_

#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/sim/machine.h"

namespace shootdown::sim {

// Opaque. Three to thirty kilobytes; one that is kept again allocates nothing.
class Machine::Checkpoint {
 public:
  // Guest state as it was: registers, and then what GuestMemory was.
  [[nodiscard]] std::span<const char> guest() const { return guest_; }

 private:
  friend class Machine;
  struct Stack {
    boost::context::detail::fcontext_t context;  // the lowest address that is in use
    std::uint64_t version;
    const char* bytes;  // here, or in one that was kept before
    std::uint16_t thread;
  };

  static bool HasInRings(const Cpu& cpu) { return cpu.buffer_count != 0 || cpu.mondo_count != 0; }

  Hot hot_;
  std::vector<char> guest_;
  std::vector<Stack> stacks_;
  std::vector<char> stack_bytes_;     // of those that are not in one kept before, one after the other
  std::vector<std::uint32_t> index_;
  std::vector<const Wait*> waits_;
  std::vector<Barriers> barriers_;  // under PSO
  std::vector<Rings> rings_;  // of CPUs for which there is something in them
  // Whatever is made later stands behind the moves made so far, unless defaults were followed.
  std::size_t move_count_ = 0;
  std::vector<MoveMade> moves_made_;     // only then
  std::vector<MoveMade> defaults_made_;
  // Of what only grows. What came later is dropped, and what came before is still there.
  std::size_t mark_count_ = 0;
  std::size_t poisoned_count_ = 0;
};

inline void Machine::KeepCheckpoint(Checkpoint& checkpoint, const Checkpoint* before) {
  SHOOTDOWN_CHECK(CanKeepCheckpoints());
  // This fiber's registers are to be kept too: so it is left, and the host does the rest. From here
  // on it goes on once, and again whenever a run resumes from the checkpoint.
  to_keep_ = &checkpoint;
  kept_before_ = before;
  SwitchFiber(FiberOf(cpus_[hot_.cpu].thread), host_);
}

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_CHECKPOINT_H_
