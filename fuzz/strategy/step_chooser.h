// What the strategies have in common: before every step of every CPU they say which CPU takes the
// next one. A strategy hears which steps are pending, and chooses among the CPUs that can run; how the
// machine is asked and answered is done here.
//
// Words, as the literature has them: an *event* is one step of a CPU, its handlers' steps included; a
// CPU is *enabled* when it has something to do (sim::Machine::CanRun); two events *conflict* when
// different CPUs access one word and at least one of them writes it. Stores reach memory at once unless a
// strategy says otherwise (Hold), and walkers fetch what a CPU misses (but Walk). Interrupts arrive by themselves: none
// comes out of the blue here.
//
// Always holds:
//   C1  The CPU that was chosen takes its step, whatever that is by then (a cross call may have come).
//   C2  A run has at most kMoveCountMax switches, held stores and walks, so its exact form is one that every
//       store and coordinator takes; beyond that it follows the default order.
//
// A CPU that waits is enabled when its condition holds. Which step it takes then is not known before
// it goes on; it has no word until then.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_STEP_CHOOSER_H_
#define SHOOTDOWN_FUZZ_STRATEGY_STEP_CHOOSER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "fuzz/sim/machine.h"
#include "fuzz/sim/scheduler.h"

namespace shootdown {

struct PendingStep {
  ActorId actor;
  std::uint32_t index = 0;
  const sim::Site* site = nullptr;
  sim::StepKind kind = sim::StepKind::kWait;
  sim::WordIndex word = sim::kNoWord;
  bool may_wait = false;  // a hold applies
  bool known = false;  // the CPU stands before this step; else it waits, or has not started

  friend bool operator==(const PendingStep&, const PendingStep&) = default;
};

[[nodiscard]] constexpr bool Conflict(const PendingStep& a, const PendingStep& b) {
  return a.word != sim::kNoWord && a.word == b.word && (IsWrite(a.kind) || IsWrite(b.kind));
}

class StepChooser : public sim::Scheduler {
 public:
  static constexpr std::uint32_t kMoveCountMax = 1000;

  void StartRun(const sim::Machine& machine) final;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) final;
  [[nodiscard]] std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) final {
    return index;
  }

 protected:
  // kYes: every CPU goes on to its first step before any takes one, so that each step that is
  // pending is known from the start.
  enum class LookAhead : std::uint8_t { kNo, kYes };
  explicit StepChooser(LookAhead look_ahead) : look_ahead_(look_ahead) {}
  // Within NewRun: from this run on.
  void SetLookAhead(LookAhead look_ahead) { look_ahead_ = look_ahead; }

  // A run of `machine` begins, with `cpu_count` CPUs. What the last run showed can be learnt now.
  virtual void NewRun(const sim::Machine& machine) = 0;
  // `cpu` has come to another step than before, or to a wait.
  virtual void Arrived(int /*cpu*/) {}
  // True: `cpu`'s step is taken at once, and nobody else is considered.
  [[nodiscard]] virtual bool Eager(int /*cpu*/) { return false; }
  // One of `enabled`, which is ascending and not empty. `current` is the CPU that ran last; it is among
  // them unless it waits.
  [[nodiscard]] virtual int Choose(std::span<const std::uint8_t> enabled, int current) = 0;
  // `cpu` takes the step that is pending there.
  virtual void Taken(int /*cpu*/) {}
  // Asked about a step that may wait, a store as a rule, and is taken next: for how many further steps of its actor at most it stays in
  // the store buffer (0: no limit). Without a value it reaches memory at once.
  [[nodiscard]] virtual std::optional<std::uint8_t> Hold(int /*cpu*/) { return std::nullopt; }
  // Asked under RMO about a load that is taken next and may give one of `count` older values: which one,
  // 1 being the youngest; 0: none of them.
  [[nodiscard]] virtual std::uint8_t Older(int /*cpu*/, int /*count*/) { return 0; }

  // Asked before each step if the machine's walkers fetch by themselves: which page `cpu`'s walker, which can, fetches
  // now.
  [[nodiscard]] virtual std::optional<std::uint8_t> Walk(const sim::Machine& /*machine*/, int /*cpu*/) {
    return std::nullopt;
  }

  [[nodiscard]] const PendingStep& pending(int cpu) const {
    return pending_[static_cast<std::size_t>(cpu)];
  }
  [[nodiscard]] std::span<const PendingStep> pending() const { return pending_; }
  [[nodiscard]] int cpu_count() const { return cpu_count_; }
  // Within Choose: all CPUs that can go on, also where `enabled` has some of them only.
  [[nodiscard]] std::span<const std::uint8_t> all_enabled() const {
    return {enabled_.data(), enabled_count_};
  }

 private:
  static constexpr int kNobody = -1;

  [[nodiscard]] sim::Move GoOnWith(int cpu);
  [[nodiscard]] sim::Move TakeStep(const sim::Machine& machine, int cpu);
  [[nodiscard]] int NotLookedAt(const sim::Question& question) const;

  LookAhead look_ahead_;
  bool looking_ = false;
  bool order_settled_ = false;  // of the step that is taken next: when it happens
  int cpu_count_ = 0;
  int chosen_ = kNobody;  // goes on to take its step
  std::uint32_t move_count_ = 0;
  std::size_t enabled_count_ = 0;
  std::array<std::uint8_t, kCpuCountMax> enabled_;
  std::array<PendingStep, kCpuCountMax> pending_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_STEP_CHOOSER_H_
