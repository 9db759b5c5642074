// A scheduler that knows nothing of processes, or of what is a choice: it answers whatever the machine asks
// as it likes.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_ANY_ORDER_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_ANY_ORDER_H_

#include <array>
#include <cstdint>

#include "fuzz/base/prng.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/sim/machine.h"
#include "fuzz/sim/scheduler.h"

namespace shootdown::explore {

// With so many events from outside at most. Where a CPU waits it meets none.
class AnyOrder : public sim::Scheduler {
 public:
  explicit AnyOrder(std::uint64_t seed, std::uint32_t events = 0) : prng_(seed), events_(events) {}

  void StartRun(const sim::Machine&) override {
    switches_ = 2 + prng_.Below(11);
    rare_ = 4 + prng_.Below(30);
    left_ = events_;
    evicted_ = false;
  }
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override {
    const auto cpu = static_cast<std::uint8_t>(
        prng_.Below(static_cast<std::uint32_t>(question.machine.cpu_count())));
    if (prng_.OneIn(switches_)) return {.kind = sim::Move::Kind::kRun, .cpu = cpu};
    if (prng_.OneIn(4)) return {.kind = sim::Move::Kind::kDrain, .cpu = cpu};
    if (question.blocked) return {.kind = sim::Move::Kind::kNext};
    if (left_ != 0 && prng_.OneIn(rare_)) {
      --left_;
      return AnyEvent(question.machine);
    }
    if (question.may_wait && prng_.OneIn(2)) {
      return {.kind = sim::Move::Kind::kHold, .arg = static_cast<std::uint8_t>(prng_.Below(8))};
    }
    return {.kind = sim::Move::Kind::kStep};
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId, std::uint32_t index) override { return index; }
  // In this run.
  [[nodiscard]] bool evicted() const { return evicted_; }

 private:
  [[nodiscard]] sim::Move AnyEvent(const sim::Machine& machine) {
    constexpr std::array kKinds = {sim::Move::Kind::kDefer, sim::Move::Kind::kResched,
                                   sim::Move::Kind::kEvict, sim::Move::Kind::kNmi,
                                   sim::Move::Kind::kWalk};
    const sim::Move::Kind kind = kKinds[prng_.Below(kKinds.size())];
    std::uint32_t arg = 0;
    if (kind == sim::Move::Kind::kDefer) arg = 1 + prng_.Below(kDeferredStepsMax);
    if (kind == sim::Move::Kind::kEvict) {
      evicted_ = true;
      arg = prng_.Below(static_cast<std::uint32_t>(machine.config().tlb_entries));
    }
    if (kind == sim::Move::Kind::kWalk && machine.walk_page_count() != 0) {
      arg = prng_.Below(static_cast<std::uint32_t>(machine.walk_page_count()));
    }
    return {.kind = kind, .arg = static_cast<std::uint8_t>(arg)};
  }

  Prng prng_;
  std::uint32_t events_;
  std::uint32_t left_ = 0;
  bool evicted_ = false;
  std::uint32_t switches_ = 2;  // one in so many questions
  std::uint32_t rare_ = 4;      // an event at one in so many
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_ANY_ORDER_H_
