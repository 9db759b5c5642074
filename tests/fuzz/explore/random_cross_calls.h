// Random little programs for what makes one step depend on others in more than one way: cross calls, whose handlers
// come before any step of their target, in masked places later, and in waits; waits for one of two words, or for both;
// steps that look at a second word only if they like the first one.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_RANDOM_CROSS_CALLS_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_RANDOM_CROSS_CALLS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/sim/machine_config.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {

class RandomCrossCalls {
 public:
  RandomCrossCalls(std::uint64_t seed, sim::MemoryModel model);

  [[nodiscard]] testing::GuestProgram& subject() { return *program_; }
  // Registers and memory after the last run, and whether anybody waits for ever.
  [[nodiscard]] std::string Outcome(const sim::Violation* violation) const;
  [[nodiscard]] std::string Text() const;

 private:
  enum class Op : std::uint8_t {
    kLoad,
    kStore,
    kAdd,
    kAct,
    kLook,  // a thread at its handler's registers, a handler at its thread's; with a step before it
    kLoadAndLook,  // at the next word, if the first one holds what it should
    kWait,
    kWaitForOne,  // of two words
    kWaitForBoth,
    kSoftint,  // on its own CPU
    kSend,
  };
  struct Step {
    Op op = Op::kAct;
    bool masked = false;  // PSTATE.IE is off
    int what = 0;         // a cell's number, or the target
    std::uint64_t value = 0;
  };
  using Code = std::vector<Step>;

  [[nodiscard]] Step Draw(Prng& prng, bool in_handler) const;
  [[nodiscard]] Code DrawCode(Prng& prng, std::uint32_t size_max, bool in_handler) const;
  void DrawSends(Prng& prng);
  void Run(testing::GuestProgram& g, std::uint64_t* mine, const std::uint64_t* other,
           const Code& code) const;
  void Take(testing::GuestProgram& g, std::uint64_t* mine, const std::uint64_t* other,
            const Step& step) const;
  [[nodiscard]] static std::string TextOf(const Code& code);

  bool softints_ = false;
  std::vector<Code> threads_;
  std::vector<Code> handlers_;
  Code softint_;
  std::unique_ptr<testing::GuestProgram> program_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_RANDOM_CROSS_CALLS_H_
