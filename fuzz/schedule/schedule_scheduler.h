// Schedulers: a schedule made to happen, and the random walk.
#ifndef SHOOTDOWN_FUZZ_SCHEDULE_SCHEDULE_SCHEDULER_H_
#define SHOOTDOWN_FUZZ_SCHEDULE_SCHEDULE_SCHEDULER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/schedule/schedule.h"
#include "fuzz/sim/scheduler.h"

namespace shootdown {

// Follows a schedule over the default order. What does not apply is passed over.
class ScheduleScheduler : public sim::Scheduler {
 public:
  // `schedule` is in canonical form and outlives this object; what it holds may change between runs.
  explicit ScheduleScheduler(const Schedule& schedule) : schedule_(&schedule) { front_.fill(kNone); }
  explicit ScheduleScheduler(const Schedule&&) = delete;  // it would be gone before the first run

  void StartRun(const sim::Machine& machine) override;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;
  [[nodiscard]] std::uint32_t NextQuestion(ActorId actor, std::uint32_t index) override;

 private:
  static constexpr std::uint16_t kNone = 0xffff;

  const Schedule* schedule_;
  std::vector<std::uint8_t> taken_;  // for each decision: it was tried already
  // By actor: where its decisions begin that are not behind it yet. In a canonical schedule an actor's
  // decisions stand together, in the order in which it comes to them.
  std::array<std::uint16_t, ActorId::kCodeCount> front_;
  std::vector<std::uint16_t> actors_;  // who has any in this run
};

// The random walk: at every step, any CPU that can run goes on, all with equal chance. A baseline: a given order of
// k steps among n CPUs has a probability of about n^-k.
//
// With `hold_one_in` > 0 it makes moves about stores and loads as well: one store in that many is held, and held
// stores drain as often as a CPU runs; under RMO one load in that many gives an older value, if there is one.
// A run has at most kMoveCountMax moves, so its exact form is one that every store and coordinator takes; beyond
// that it follows the default order.
class RandomWalk : public sim::Scheduler {
 public:
  static constexpr std::uint32_t kMoveCountMax = 1000;

  RandomWalk(std::uint64_t seed, std::uint32_t hold_one_in)
      : prng_(seed), hold_one_in_(hold_one_in) {}

  void StartRun(const sim::Machine& machine) override;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;
  [[nodiscard]] std::uint32_t NextQuestion(ActorId actor, std::uint32_t index) override;

 private:
  [[nodiscard]] sim::Move Draw(const sim::Question& question);

  Prng prng_;
  std::uint32_t hold_one_in_;
  bool switched_ = false;  // came here by a choice: this step is taken
  std::uint32_t move_count_ = 0;  // of this run
};

// The run that was made, in exact form: following it makes the same run again.
[[nodiscard]] Schedule ExactSchedule(std::span<const sim::MoveMade> moves);
// Its decisions, in the order in which the moves were made.
void AppendDecisions(std::span<const sim::MoveMade> moves, std::vector<Decision>& out);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SCHEDULE_SCHEDULE_SCHEDULER_H_
