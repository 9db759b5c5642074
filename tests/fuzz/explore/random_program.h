// Random little programs: three threads of three steps on two words. One machine serves them all.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_RANDOM_PROGRAM_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_RANDOM_PROGRAM_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "fuzz/base/prng.h"
#include "fuzz/program/program.h"

namespace shootdown::program {

inline constexpr int kThreads = 3;
inline constexpr int kSteps = 3;

struct RandomState {
  Word x[2];
  std::uint64_t r[kThreads * kSteps] = {};
};

class RandomProgram {
 public:
  explicit RandomProgram(MemoryModel model);
  // The program of this seed, from now on.
  void Become(std::uint64_t seed);
  [[nodiscard]] ProgramOf<RandomState>& subject() { return *program_; }
  // Registers and memory after the last run, and whether anybody waits for ever.
  [[nodiscard]] std::string Outcome();
  [[nodiscard]] std::string Text() const;

 private:
  enum class Op : std::uint8_t { kLoad, kStore, kAdd, kFence, kAwait, kMembar, kAddUnordered };
  struct Step {
    Op op;
    int word;
    std::uint64_t value;
  };
  void RunThread(int thread, RandomState& state);

  std::array<std::array<Step, kSteps>, kThreads> steps_{};
  bool weak_;  // then with membars, and atomics that are no fences
  std::unique_ptr<ProgramOf<RandomState>> program_;
};

}  // namespace shootdown::program

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_RANDOM_PROGRAM_H_
