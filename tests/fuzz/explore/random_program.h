// Random little programs. One machine serves them all.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_RANDOM_PROGRAM_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_RANDOM_PROGRAM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/program/program.h"

namespace shootdown::program {

struct RandomState {
  Word x[4];
  std::uint64_t r[12] = {};
};

class RandomProgram {
 public:
  enum class Words : std::uint8_t {
    kShared,     // three threads of three steps on two words
    kMostlyOwn,  // two threads of six; words of one thread, too, that the other one uses seldom, and
                 // looks at memory without a step. Store buffers are full now and then
    kAwaited,    // as kShared, and a third of the steps wait until memory holds something
  };
  explicit RandomProgram(MemoryModel model, Words words = Words::kShared);
  // The program of this seed, from now on.
  void Become(std::uint64_t seed);
  [[nodiscard]] ProgramOf<RandomState>& subject() { return *program_; }
  // Registers and memory after the last run, and whether anybody waits for ever.
  [[nodiscard]] std::string Outcome();
  [[nodiscard]] std::string Text() const;

 private:
  enum class Op : std::uint8_t {
    kLoad,
    kStore,
    kAdd,
    kFence,
    kAwait,
    kMembar,
    kAddUnordered,
    kLook,  // as a judge does: no step, and what memory holds
    kWait,  // waits, which is no step, until memory holds enough, and then loads
  };
  struct Step {
    Op op;
    int word;
    std::uint64_t value;
  };
  [[nodiscard]] Step Draw(Prng& prng, int thread) const;
  [[nodiscard]] Step DrawShared(Prng& prng) const;
  [[nodiscard]] Step DrawAwaited(Prng& prng) const;
  [[nodiscard]] Step DrawMostlyOwn(Prng& prng, int thread) const;
  void RunThread(int thread, RandomState& state);

  Words words_;
  bool weak_;  // then with membars, and atomics that are no fences
  std::vector<std::vector<Step>> steps_;  // by thread
  std::unique_ptr<ProgramOf<RandomState>> program_;
};

}  // namespace shootdown::program

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_RANDOM_PROGRAM_H_
