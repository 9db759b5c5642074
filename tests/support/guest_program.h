// Little programs in the words of litmus tests, over fuzz/program: a function for each CPU, four cells and
// some registers, and the machine's own calls for what a user's program has no use for.
//
//   GuestProgram p({.threads = {[](GuestProgram& g) { g.Store('x', 1); g.reg[0] = g.Load('y'); },
//                               [](GuestProgram& g) { g.Store('y', 1); g.reg[1] = g.Load('x'); }}});
//   p.Run(scheduler);
//   EXPECT_EQ(p.reg[0], 1);
//
// Cells x, y, z and w are guest memory, zero when a run starts; so are the registers, which no other
// CPU looks at and which are no steps. Guest code owns nothing that needs a destructor.
#ifndef SHOOTDOWN_TESTS_SUPPORT_GUEST_PROGRAM_H_
#define SHOOTDOWN_TESTS_SUPPORT_GUEST_PROGRAM_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fuzz/program/program.h"

namespace shootdown::testing {

class GuestProgram : public program::Program {
 public:
  using Code = std::function<void(GuestProgram&)>;
  using Word = program::Word;
  static constexpr std::size_t kRegisterCount = 64;

  // Handlers that are left out do not exist for the machine either.
  struct Parts {
    std::vector<Code> threads;  // thread n is T<n>, and starts on CPU n if there is one
    std::vector<Code> mondos = {};  // what SendMondo can make its target run
    std::function<void(GuestProgram&, int level)> softint = nullptr;
    Code nmi = nullptr;
    Code interrupt_return = nullptr;
    // What hardware may fetch into the TLB of the CPU that runs, at any time, if nothing is there.
    std::uint64_t (*walk)(const GuestProgram&) = nullptr;
  };

  // One CPU for each thread.
  explicit GuestProgram(Parts parts) : GuestProgram(std::move(parts), sim::MachineConfig{}, 0) {}
  // `config`, but one CPU for each thread.
  GuestProgram(Parts parts, const sim::MachineConfig& config)
      : GuestProgram(std::move(parts), config, 0) {}
  // `config` with `cpu_count` CPUs; threads above that number wait for SwitchThread.
  GuestProgram(Parts parts, sim::MachineConfig config, int cpu_count);

  sim::RunEnd Run(sim::Scheduler& scheduler) {
    (void)RunOnce(scheduler);
    return end();
  }
  [[nodiscard]] Word& cell(char name) { return *cells_[CellNumber(name)]; }
  [[nodiscard]] std::uint64_t Peek(char name) const { return cells_[CellNumber(name)]->Peek(); }

  // For guest code; one step each.
  std::uint64_t Load(char name);
  void Store(char name, std::uint64_t value);
  std::uint64_t Add(char name, std::uint64_t value);  // RMW; returns the old value
  void Fence();
  void Act(std::uint64_t value);  // a visible action that touches nothing
  bool SendMondo(int target, std::uint64_t number);
  // Several steps: z, as the CPU's TLB has it, and where it has not, loaded and put there.
  std::uint64_t Translate();
  // No steps.
  void WaitUntilEquals(char name, std::uint64_t value,
                       sim::WaitKind kind = sim::WaitKind::kBlocked);

  std::uint64_t* reg = nullptr;

 private:
  void FillTlb(std::uint64_t z);
  [[nodiscard]] static std::size_t CellNumber(char name) {
    return static_cast<std::size_t>(name - 'w');
  }

  Word* cells_[4] = {};  // w, x, y, z
};

// The run's log as text, a row a line.
[[nodiscard]] std::string LogText(const sim::Machine& machine);
// The kinds and actors of the log's steps: "T0 store, B0 drain".
[[nodiscard]] std::string StepsText(const sim::Machine& machine);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_SUPPORT_GUEST_PROGRAM_H_
