// Where a run stands, kept so that later runs go on from there and do not begin at the start: guest
// state, stacks, and what the machine itself knows. For searches whose runs begin alike.
#ifndef SHOOTDOWN_FUZZ_SIM_CHECKPOINT_H_
#define SHOOTDOWN_FUZZ_SIM_CHECKPOINT_H_

#include <array>
#include <cstdint>
#include <vector>

#include "fuzz/sim/machine.h"

namespace shootdown::sim {

// Opaque. Ten to forty kilobytes; one that is kept again allocates nothing.
class Machine::Checkpoint {
 private:
  friend class Machine;
  struct Stack {
    std::uint8_t thread;
    boost::context::detail::fcontext_t context;  // the lowest address that is in use
  };

  static bool HasInRings(const Cpu& cpu) { return cpu.buffer_count != 0 || cpu.mondo_count != 0; }

  Hot hot_;
  Row base_ = 0;
  std::vector<char> guest_;
  std::vector<Shadow> shadow_;  // of the words of `guest_`
  std::vector<Stack> stacks_;
  std::vector<char> stack_bytes_;  // one stack after the other
  std::array<std::uint32_t, 256> index_{};
  std::vector<Wait> waits_;
  std::vector<Barriers> barriers_;
  std::vector<Rings> rings_;  // of CPUs for which there is something in them
  std::vector<MoveMade> moves_made_;
  std::vector<MoveMade> defaults_made_;
  // Of what only grows. What came later is dropped, and what came before is still there.
  std::size_t conflict_count_ = 0;
  std::size_t feature_count_ = 0;
  std::size_t mark_count_ = 0;
  std::size_t poisoned_count_ = 0;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_CHECKPOINT_H_
