// What makes two states of runs one: guest memory (with registers, TLBs, and all that judges know),
// the store buffers, the cross calls in flight, and where each CPU and thread stands.
//
// The last is not read from stacks: guest code is deterministic, so all that a thread has been
// given by its steps stands for it, as far as it has not forgotten it (fuzz/sim/forget.h). An
// interrupt handler is forgotten when it is over. Two states of one hash (128 bits) are taken for
// one.
//
// Guest code may look at shared words without a step (wait conditions do), if what it saw only
// decides what it does before its next step.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_STATE_KEY_H_
#define SHOOTDOWN_FUZZ_EXPLORE_STATE_KEY_H_

#include <array>
#include <cstdint>
#include <vector>

#include "fuzz/base/content_hash.h"
#include "fuzz/sim/machine.h"

namespace shootdown::explore {

class StateKey {
 public:
  // A new run begins; its marks are kept (Machine::KeepMemoryMarks).
  void Reset();
  // Before a step: an RMW's row says what it left behind, not what it found.
  void BeforeRmw(std::uint8_t actor, std::uint64_t found);
  // What the rows since the last call told those who made them. To be called after each step.
  void Absorb(const sim::Machine& machine);

  // What a CPU does next is a part of the state that the caller knows.
  void Begin(const sim::Machine& machine);
  void Add(std::uint64_t word) { words_.push_back(word); }
  [[nodiscard]] Hash128 End();

 private:
  struct Saved {
    std::uint8_t actor;
    std::uint64_t known;
  };
  void Apply(const sim::MemoryMark& mark);
  void Learn(std::uint8_t actor, std::uint64_t what);

  std::size_t rows_ = 0;
  std::size_t marks_ = 0;
  std::uint64_t late_loads_ = 0;  // what loads that were put off have given
  // By actor: all that it has been told, and not forgotten.
  std::array<std::uint64_t, 256> known_{};
  std::vector<std::uint8_t> actors_;  // whose is not 0
  std::vector<Saved> saved_;          // where scopes began, an actor's innermost last
  // By CPU: for each cross call on its way there, the oldest first, what its sender knew.
  std::array<std::vector<std::uint64_t>, kCpuCountMax> sent_;
  std::vector<std::uint64_t> memory_;
  std::vector<std::uint64_t> words_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_STATE_KEY_H_
