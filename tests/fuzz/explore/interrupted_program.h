// Random little programs with all that may come to a CPU from outside: handlers of a cross call, of a softint and of an
// NMI, masked nowhere, and a TLB that a walker may fill.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_INTERRUPTED_PROGRAM_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_INTERRUPTED_PROGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/sim/machine_config.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {

class InterruptedProgram {
 public:
  InterruptedProgram(std::uint64_t seed, sim::MemoryModel model);

  [[nodiscard]] testing::GuestProgram& subject() { return program_; }
  // Registers and memory after the last run.
  [[nodiscard]] std::string Outcome() const;
  [[nodiscard]] std::string Text() const;

 private:
  enum class Op : std::uint8_t { kLoad, kStore, kAdd, kFence, kAct, kLook, kTranslate, kCall };
  using Code = std::vector<std::pair<Op, char>>;
  enum class Handlers : std::uint8_t { kSoftint, kNmi, kBoth };

  [[nodiscard]] Code Draw(std::uint32_t steps, bool may_call);
  [[nodiscard]] testing::GuestProgram::Parts PartsOf();
  static void Run(testing::GuestProgram& g, const Code& code, std::size_t owner);

  Prng prng_;
  Handlers has_;
  bool walks_;
  std::array<Code, 2> threads_;
  std::array<Code, 3> handlers_;  // of a cross call, of a softint, of an NMI
  testing::GuestProgram program_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_INTERRUPTED_PROGRAM_H_
