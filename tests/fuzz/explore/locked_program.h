// Random little programs with a lock: most uses of its words are under it, but not all. One machine
// serves them all.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_LOCKED_PROGRAM_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_LOCKED_PROGRAM_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "fuzz/base/prng.h"
#include "fuzz/program/program.h"

namespace shootdown::program {

struct LockedState {
  Word lock;
  Word x[3];  // of which the last is rarely under the lock
  std::uint64_t seen[16] = {};
};

class LockedProgram {
 public:
  // Two threads; store buffers of three entries are full now and then.
  explicit LockedProgram(MemoryModel model);
  // The program of this seed. Threads of every other one remember nothing from step to step.
  void Become(std::uint64_t seed);
  [[nodiscard]] ProgramOf<LockedState>& subject() { return *program_; }
  // What was seen, memory after the last run, and whether anybody waits for ever.
  [[nodiscard]] std::string Outcome();
  [[nodiscard]] std::string Text() const;

 private:
  enum class Op : std::uint8_t {
    kLoad,
    kStore,
    kCopy,     // to the next word
    kPublish,  // stores, and empties the buffer only if another word is 0
    kAdd,
    kFence,
    kLook,  // as a judge does: no step, and what memory holds
    kLock,
    kUnlock,
  };
  struct Step {
    Op op;
    std::uint8_t word;
    std::uint8_t value;
  };
  using Steps = std::array<Step, 7>;
  static void Draw(Prng& prng, Steps& steps);
  void RunThread(std::size_t thread, LockedState& state) const;
  static std::uint64_t Take(const Step& step, LockedState& state);

  bool forgets_ = false;
  std::array<Steps, 2> threads_{};
  std::unique_ptr<ProgramOf<LockedState>> program_;
};

}  // namespace shootdown::program

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_LOCKED_PROGRAM_H_
