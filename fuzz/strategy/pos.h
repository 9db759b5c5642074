// POS: partial order sampling. Every pending step has a random priority, and the highest goes on. Then
// the pending steps that conflict with it get new priorities: they would else keep what they lost the
// race with, and orders of conflicting steps would not be independent of each other.
//
// Source: Yuan, Yang, Gu: Partial Order Aware Concurrency Sampling, CAV 2018. Beyond it: a CPU that
// waited and was stopped by the step (the lock is taken again) counts as in conflict with it; and
// after 1,000 steps in a row of one CPU everything is drawn anew, so that nobody starves.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_POS_H_
#define SHOOTDOWN_FUZZ_STRATEGY_POS_H_

#include <memory>

#include "fuzz/sim/cpu_set.h"
#include "fuzz/strategy/event_priorities.h"
#include "fuzz/strategy/shared_words.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown {

class Pos : public StepChooser {
 public:
  // kYes: steps that no other CPU can see are taken at once, and are no choices. These are accesses to
  // words that are not shared (SharedWords), fences, and writes of the CPU's own context register.
  enum class EagerInvisible : std::uint8_t { kNo, kYes };

  Pos(std::uint64_t seed, EagerInvisible eager);

  // For tests: the priority of `cpu`'s pending step.
  [[nodiscard]] std::uint64_t priority(int cpu) const { return priorities_.Of(cpu); }

 protected:
  void NewRun(const sim::Machine& machine) override;
  void Arrived(int cpu) override;
  [[nodiscard]] bool Eager(int cpu) override;
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current) override;
  void Taken(int cpu) override;

  // One of `free`, none of which is eager: here the one whose step has the highest priority.
  [[nodiscard]] virtual int Prefer(std::span<const std::uint8_t> free, int /*current*/) {
    return priorities_.Highest(free);
  }

  // `cpu` took `step` in a run of somebody else's.
  void Note(int cpu, const PendingStep& step) {
    if (shared_ != nullptr && step.word != sim::kNoWord) shared_->Note(cpu, step.word, step.kind);
  }

  // How many words have turned out to be shared, so that steps on them are choices. With kYes only.
  [[nodiscard]] std::size_t shared_word_count() const { return shared_->count(); }

 private:
  static constexpr std::uint32_t kSameCpuMax = 1000;

  // CPUs that wait for a word and could go on.
  [[nodiscard]] CpuSet RunnableWaiters() const;
  // The same, within Choose: who can go on has just been looked up.
  [[nodiscard]] CpuSet EnabledWaiters(int current) const;

  const sim::Machine* machine_ = nullptr;
  EventPriorities priorities_;
  std::unique_ptr<SharedWords> shared_;  // null: nothing is eager
  sim::WordIndex written_ = sim::kNoWord;  // by the last step, and not shared as far as is known
  CpuSet waiters_;                         // CPUs that wait and could go on before the last step
  int last_ = 0;
  std::uint32_t same_cpu_count_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_POS_H_
