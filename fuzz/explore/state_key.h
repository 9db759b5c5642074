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
#include <span>
#include <vector>

#include "fuzz/base/content_hash.h"
#include "fuzz/sim/machine.h"

namespace shootdown::explore {

class StateKey {
 public:
  // What a run has told who took its steps. A value: for who goes back in a run.
  struct Told {
    Told() = default;
    Told(const Told&) = default;
    ~Told() = default;
    Told& operator=(const Told& other);  // of `known` only what is not 0 on either side

    std::size_t rows = 0;  // of the log, that are in here
    std::size_t marks = 0;
    std::uint64_t late_loads = 0;  // what loads that were put off have given
    // By actor: all that it has been told, and not forgotten.
    std::array<std::uint64_t, ActorId::kCodeCount> known{};
    std::vector<std::uint16_t> actors;  // whose is not 0
    struct Saved {
      std::uint16_t actor;
      std::uint64_t known;
    };
    std::vector<Saved> saved;  // where scopes began, an actor's innermost last
    struct Sent {
      int cpu;
      std::uint64_t known;
    };
    std::vector<Sent> sent;  // cross calls on their way: to whom, and what the sender knew
    Hash128 memory_hash;
  };

  // A new run begins; its marks are kept (Machine::KeepMemoryMarks).
  void Reset();
  [[nodiscard]] const Told& told() const { return told_; }
  // Before told() is kept; Begin does so too.
  void LookAtMemory(const sim::Machine& machine) { HashMemory(machine.GuestMemory()); }
  // To where told() was kept; `guest` ends with what guest memory was there.
  void GoBackTo(const Told& told, std::span<const char> guest);
  // Before a step: an RMW's row says what it left behind, not what it found.
  void BeforeRmw(std::uint16_t actor, std::uint64_t found);
  // What the rows since the last call told those who made them. To be called after each step.
  void Absorb(const sim::Machine& machine);

  // What a CPU does next is a part of the state that the caller knows.
  void Begin(const sim::Machine& machine);
  void Add(std::uint64_t word) { words_.push_back(word); }
  [[nodiscard]] Hash128 End();

 private:
  void Apply(const sim::MemoryMark& mark);
  void Learn(std::uint16_t actor, std::uint64_t what);
  void HashMemory(std::span<const char> bytes);

  Told told_;
  // Guest memory as it was when it was last looked at; the sum of its words' hashes stands in told_.
  // From one time to the next few words change.
  std::vector<std::uint64_t> memory_;
  std::vector<std::uint64_t> words_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_STATE_KEY_H_
