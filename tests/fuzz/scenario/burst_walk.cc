#include "tests/fuzz/scenario/burst_walk.h"

#include "fuzz/sim/machine.h"

namespace shootdown::testing {
namespace {

using sim::Move;

// A CPU other than `cpu` that can run, each with equal chance; -1 if there is none.
int AnyOther(const sim::Machine& m, int cpu, Prng& prng) {
  int chosen = -1;
  std::uint32_t count = 0;
  for (int c = 0; c < m.cpu_count(); ++c) {
    if (c == cpu || !m.CanRun(c)) continue;
    if (prng.OneIn(++count)) chosen = c;
  }
  return chosen;
}

}  // namespace

BurstWalk::BurstWalk(std::uint64_t seed)
    : prng_(seed),
      stride_(std::uint32_t{4} << prng_.Below(4)),
      hold_one_in_(prng_.OneIn(2) ? 0 : 2 + prng_.Below(6)),
      event_one_in_(prng_.OneIn(2) ? 0 : 10 + prng_.Below(60)) {}

void BurstWalk::StartRun(const sim::Machine& /*machine*/) { moved_ = false; }

Move BurstWalk::Pick(const sim::Question& question) {
  const sim::Machine& m = question.machine;
  const int self = question.cpu.value();
  if (question.blocked) {
    moved_ = true;
    const int other = AnyOther(m, self, prng_);
    return other < 0 ? Move{.kind = Move::Kind::kNext}
                     : Move{.kind = Move::Kind::kRun, .cpu = static_cast<std::uint8_t>(other)};
  }
  if (moved_) {
    moved_ = false;
    return {.kind = Move::Kind::kStep};
  }
  if (prng_.OneIn(stride_)) {
    const int other = AnyOther(m, self, prng_);
    if (other >= 0) {
      moved_ = true;
      return {.kind = Move::Kind::kRun, .cpu = static_cast<std::uint8_t>(other)};
    }
  }
  if (event_one_in_ != 0 && prng_.OneIn(event_one_in_)) {
    moved_ = true;
    const auto arg = static_cast<std::uint8_t>(1 + prng_.Below(60));
    if (m.walks_by_itself() && prng_.OneIn(2)) {
      return {.kind = Move::Kind::kWalk, .arg = static_cast<std::uint8_t>(arg % 8)};
    }
    switch (prng_.Below(5)) {
      case 0:
        return {.kind = Move::Kind::kResched};
      case 1:
        return {.kind = Move::Kind::kEvict, .arg = arg};
      case 2:
        return {.kind = Move::Kind::kDefer, .arg = arg};
      case 3:
        return {.kind = Move::Kind::kNmi};
      default:
        return {.kind = Move::Kind::kDrain,
                .cpu = static_cast<std::uint8_t>(
                    prng_.Below(static_cast<std::uint32_t>(m.cpu_count())))};
    }
  }
  if (hold_one_in_ != 0 && question.kind == sim::StepKind::kStore && prng_.OneIn(hold_one_in_)) {
    moved_ = true;
    return {.kind = Move::Kind::kHold, .arg = static_cast<std::uint8_t>(prng_.Below(40))};
  }
  return {.kind = Move::Kind::kStep};
}

std::uint32_t BurstWalk::NextQuestion(ActorId /*actor*/, std::uint32_t index) { return index; }

}  // namespace shootdown::testing
