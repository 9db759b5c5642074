// The scheduler's seam as a systematic search wants it: at each point somebody of a small set of processes
// takes the next step. A CPU is a process; under TSO each store buffer is one too, whose step is that its
// oldest store reaches memory, and every store is held, so that each leaves at a moment of its own.
//
// The end of a wait which is no step of its own (Machine::WaitUntil) is a choice like a step. The wait's
// beginning is not: it looks for the first time together with the step before it.
//
// A step that finds the buffer empty (RMW, fence, cross call) cannot be taken before it is. No other
// moves are made: no interrupt is deferred, nothing is evicted, no reschedule or non-maskable interrupt
// arrives.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_PROCESS_SCHEDULER_H_
#define SHOOTDOWN_FUZZ_EXPLORE_PROCESS_SCHEDULER_H_

#include <array>
#include <bit>
#include <cstdint>

#include "fuzz/sim/machine.h"
#include "fuzz/sim/scheduler.h"

namespace shootdown::explore {

// CPU c is process c, its store buffer is process cpu_count + c.
using Process = int;
// A set of processes, a bit each. So there are at most 64: 64 CPUs under SC, 32 under TSO.
using ProcessSet = std::uint64_t;
inline constexpr int kProcessCountMax = 64;
constexpr ProcessSet Bit(Process p) { return ProcessSet{1} << p; }
constexpr Process Lowest(ProcessSet set) { return std::countr_zero(set); }

// How many processes a machine of this shape has.
[[nodiscard]] int ProcessCount(const sim::MachineConfig& config);

class ProcessScheduler : public sim::Scheduler {
 public:
  void StartRun(const sim::Machine& machine) final;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) final;
  [[nodiscard]] std::uint32_t NextQuestion(ActorId actor, std::uint32_t index) final;

 protected:
  static constexpr Process kNobody = -1;  // the run is over: nobody can take a step
  static constexpr Process kCut = -2;     // the run is of no more interest

  // What a CPU does next, as far as that is known before it does it.
  struct Pending {
    const sim::Site* site = nullptr;
    sim::StepKind kind = sim::StepKind::kAction;
    sim::WordIndex word = sim::kNoWord;
    bool blocked = false;  // it cannot, at the moment at which it was last asked
    std::uint8_t actor = 0;
  };

  virtual void NewRun() = 0;
  // Who takes the next step: one of Enabled(), or kNobody if there is none, or kCut.
  [[nodiscard]] virtual Process Choose() = 0;
  // How many steps more the CPU that was just chosen takes without another question. They are no stores
  // under TSO, and it can take them.
  [[nodiscard]] virtual std::uint32_t StepsUnasked() { return 0; }

  [[nodiscard]] const sim::Machine& machine() const { return *machine_; }
  [[nodiscard]] int cpu_count() const { return cpu_count_; }
  [[nodiscard]] bool tso() const { return tso_; }
  [[nodiscard]] int current_cpu() const { return current_; }
  [[nodiscard]] bool IsBuffer(Process p) const { return p >= cpu_count_; }
  [[nodiscard]] Process BufferOf(int cpu) const { return cpu_count_ + cpu; }
  [[nodiscard]] int CpuOf(Process p) const { return p >= cpu_count_ ? p - cpu_count_ : p; }
  [[nodiscard]] const Pending& pending(int cpu) const {
    return pending_[static_cast<std::size_t>(cpu)];
  }
  [[nodiscard]] ProcessSet Enabled() const;

 private:
  [[nodiscard]] bool CanStep(int cpu) const;

  const sim::Machine* machine_ = nullptr;
  int cpu_count_ = 0;
  bool tso_ = false;
  int current_ = 0;
  int started_ = 0;          // CPUs below have been entered: what they do next is known
  Process chosen_ = kNobody;  // a CPU that is to take the next step
  bool wakes_ = false;        // it was chosen for the end of its wait, which is no step
  bool held_ = false;         // and it is a store, which was held
  ActorId unasked_actor_;      // who needs no question before
  std::uint32_t ask_at_ = 0;   // this step of its own
  std::array<Pending, kCpuCountMax> pending_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_PROCESS_SCHEDULER_H_
