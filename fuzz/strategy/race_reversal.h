// Race reversal over POS: of two conflicting steps of an earlier run, ask for the other order.
//
// A run is POS (invisible steps eager) under a few orders "hold `after` until `before` has happened".
// An event is named by its actor, its site and how often that actor came to that site, so it keeps its
// meaning in other runs. Whoever comes to the site of `after` that often is held, whatever his name: so an order
// says as much among sixty threads as among two. It is soft: it falls when `after` would be all that can run.
//
// Most runs have the orders of the run before and one more, which reverses a race of it; now and then
// one is dropped, and one run in kFreshOneIn starts from nothing. Steps have random priorities, anew in
// each run.
//
// Source: of constraints over POS: Wolff, Zheng, Duck, Mathur, Roychoudhury: Greybox Fuzzing for
// Concurrency Testing, ASPLOS 2024. No feedback is used here.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_RACE_REVERSAL_H_
#define SHOOTDOWN_FUZZ_STRATEGY_RACE_REVERSAL_H_

#include <array>
#include <vector>

#include "fuzz/strategy/pos.h"

namespace shootdown {

struct Event {
  ActorId actor;
  std::uint32_t site_hash = 0;
  sim::StepKind kind = sim::StepKind::kAction;
  std::uint32_t occurrence = 0;  // how many such steps of this actor are before it
  friend constexpr bool operator==(const Event&, const Event&) = default;
};

struct Order {
  Event before;
  Event after;  // held until `before` has happened, whoever its actor is, but for that of `before`
  friend constexpr bool operator==(const Order&, const Order&) = default;
};

class RaceReversal : public Pos {
 public:
  static constexpr std::uint32_t kFreshOneIn = 8;
  static constexpr std::size_t kOrderCountMax = 16;

  explicit RaceReversal(std::uint64_t seed)
      : Pos(seed, EagerInvisible::kYes), mutations_(Mix64(seed)) {}
  RaceReversal(const RaceReversal&) = delete;  // it points into itself
  RaceReversal& operator=(const RaceReversal&) = delete;

  void EndRun(const sim::Machine& machine) override;

  // What the next run is asked for; until it starts, a test may ask for something else.
  [[nodiscard]] const std::vector<Order>& orders() const { return orders_; }
  void SetOrders(std::vector<Order> orders) { orders_ = std::move(orders); }

 protected:
  void NewRun(const sim::Machine& machine) override;
  void Arrived(int cpu) override;
  [[nodiscard]] bool Eager(int cpu) override;
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current) override;
  void Taken(int cpu) override;
  // Which race of the last run, which has one, the next run is asked to reverse.
  [[nodiscard]] virtual sim::Conflict NextRace(const sim::Machine& machine, Prng& prng);

 private:
  // How far a run has come with an order.
  struct Progress {
    std::uint32_t before_count = 0;  // until it is settled
    std::array<std::uint32_t, ActorId::kCodeCount> after_count{};  // by actor
  };
  // A bit for each order.
  using OrderSet = std::uint32_t;
  static_assert(kOrderCountMax < 32);
  // The orders that a CPU's pending step has a part in.
  struct Parts {
    OrderSet before = 0;
    OrderSet after = 0;
  };

  void ClearProgress();
  [[nodiscard]] bool Held(int cpu) const;

  Prng mutations_;
  std::vector<Order> orders_;
  std::array<Progress, kOrderCountMax> progress_;  // of the order with the same number
  std::vector<std::uint32_t*> counts_;              // those in progress_ that are not 0
  OrderSet open_ = 0;                               // those that are not settled
  std::array<Parts, kCpuCountMax> parts_;           // by CPU
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_RACE_REVERSAL_H_
