#include "tests/support/explorer.h"

#include "fuzz/base/check.h"

namespace shootdown::testing {

using sim::Move;

void Explorer::StartRun(const sim::Machine& /*machine*/) {
  depth_ = 0;
  chosen_ = false;
  held_ = false;
}

Move Explorer::Pick(const sim::Question& question) {
  const sim::Machine& m = question.machine;
  if (!chosen_ || question.blocked) {
    std::vector<Move> options;
    for (int c = 0; c < m.cpu_count(); ++c) {
      const auto cpu = static_cast<std::uint8_t>(c);
      if (c == question.cpu.value()) {
        if (!question.blocked) options.push_back({.kind = Move::Kind::kStep});
      } else if (m.CanRun(c)) {
        options.push_back({.kind = Move::Kind::kRun, .cpu = cpu});
      }
    }
    for (int c = 0; c < m.cpu_count(); ++c) {
      if (m.BufferedStores(c) == 0) continue;
      options.push_back({.kind = Move::Kind::kDrain, .cpu = static_cast<std::uint8_t>(c)});
    }
    chosen_ = false;
    if (options.empty()) return {.kind = Move::Kind::kNext};
    if (depth_ == path_.size()) {
      path_.push_back({.taken = 0, .count = static_cast<std::uint32_t>(options.size())});
    }
    SHOOTDOWN_CHECK(path_[depth_].count == options.size());  // else the run did not repeat
    const Move move = options[path_[depth_++].taken];
    chosen_ = move.kind != Move::Kind::kDrain;
    if (move.kind != Move::Kind::kStep) return move;
  }
  const bool hold = m.config().memory_model == sim::MemoryModel::kTso &&
                    question.kind == sim::StepKind::kStore && !held_;
  held_ = hold;
  if (hold) return {.kind = Move::Kind::kHold};
  chosen_ = false;
  return {.kind = Move::Kind::kStep};
}

std::uint32_t Explorer::NextQuestion(ActorId /*actor*/, std::uint32_t index) { return index; }

bool Explorer::Advance() {
  while (!path_.empty() && path_.back().taken + 1 == path_.back().count) path_.pop_back();
  if (path_.empty()) return false;
  ++path_.back().taken;
  return true;
}

std::uint64_t RunAll(sim::Machine& machine, const std::function<void(sim::RunEnd)>& each) {
  Explorer explorer;
  std::uint64_t run_count = 0;
  do {
    const sim::RunEnd end = machine.Run(explorer);
    ++run_count;
    each(end);
  } while (explorer.Advance());
  return run_count;
}

}  // namespace shootdown::testing
