#include "tests/fuzz/explore/interrupted_program.h"

namespace shootdown::explore {

using testing::GuestProgram;

namespace {

constexpr int kRaised = 3;              // the level of a softint that no event is
constexpr std::size_t kRegisters = 16;  // of each thread, and of each CPU's handlers

}  // namespace

InterruptedProgram::InterruptedProgram(std::uint64_t seed, sim::MemoryModel model)
    : prng_(seed),
      has_(static_cast<Handlers>(prng_.Below(3))),
      walks_(prng_.OneIn(2)),
      threads_{Draw(2 + prng_.Below(3), true), Draw(1 + prng_.Below(2), true)},
      handlers_{Draw(1, false), Draw(1 + prng_.Below(2), false), Draw(1, false)},
      program_(PartsOf(), {.memory_model = model, .step_count_max = 200}) {}

std::string InterruptedProgram::Outcome() const {
  std::string text;
  for (std::size_t i = 0; i < GuestProgram::kRegisterCount; ++i) {
    text += std::to_string(program_.reg[i]) + " ";
  }
  for (const char word : {'x', 'y', 'z'}) text += std::to_string(program_.Peek(word)) + " ";
  return text;
}

std::string InterruptedProgram::Text() const {
  std::string text;
  for (const Code& code : {threads_[0], threads_[1], handlers_[0], handlers_[1], handlers_[2]}) {
    for (const auto& [op, word] : code) {
      text += std::string(1, "lsafvktc"[static_cast<int>(op)]) + word + " ";
    }
    text += "| ";
  }
  return text;
}

InterruptedProgram::Code InterruptedProgram::Draw(std::uint32_t steps, bool may_call) {
  constexpr std::array kOps = {Op::kLoad, Op::kLoad,  Op::kStore, Op::kStore, Op::kStore,
                               Op::kAdd,  Op::kFence, Op::kAct,   Op::kLook,  Op::kTranslate};
  Code code;
  for (std::uint32_t i = 0; i < steps; ++i) {
    const bool calls = may_call && prng_.OneIn(10);
    code.emplace_back(calls ? Op::kCall : kOps[prng_.Below(kOps.size())], "xxyz"[prng_.Below(4)]);
  }
  return code;
}

GuestProgram::Parts InterruptedProgram::PartsOf() {
  GuestProgram::Parts parts;
  for (std::size_t t = 0; t < threads_.size(); ++t) {
    parts.threads.emplace_back([this, t](GuestProgram& g) { Run(g, threads_[t], t); });
  }
  const auto handler = [this](std::size_t n) {
    return [this, n](GuestProgram& g) {
      Run(g, handlers_[n], 2 + static_cast<std::size_t>(g.machine().cpu()));
    };
  };
  const bool softints = has_ != Handlers::kNmi;
  parts.mondos = {[call = handler(0), softints](GuestProgram& g) {
    call(g);
    if (softints) g.machine().RaiseSoftint(g.machine().cpu(), kRaised);
  }};
  if (softints) {
    parts.softint = [raised = handler(0), other = handler(1)](GuestProgram& g, int level) {
      level == kRaised ? raised(g) : other(g);
    };
  }
  if (has_ != Handlers::kSoftint) parts.nmi = handler(2);
  if (walks_) parts.walk = [](const GuestProgram& g) { return g.Peek('z'); };
  return parts;
}

// Each value is put behind those before it.
void InterruptedProgram::Run(GuestProgram& g, const Code& code, std::size_t owner) {
  std::uint64_t* const mine = g.reg + owner * kRegisters;
  for (const auto& [op, word] : code) {
    std::uint64_t value = 0;
    switch (op) {
      case Op::kLoad: value = g.Load(word); break;
      case Op::kStore: g.Store(word, 1 + owner); break;
      case Op::kAdd: value = g.Add(word, 1); break;
      case Op::kFence: g.Fence(); break;
      case Op::kAct: g.Act(1); break;
      case Op::kLook: value = g.Peek(word); break;
      case Op::kTranslate: value = g.Translate(); break;
      case Op::kCall: value = g.SendMondo(1 - g.machine().cpu(), 0) ? 1 : 0; break;
    }
    // Of who is interrupted, how far it has come.
    mine[0] = mine[0] * 16 + value;
    mine[1] = mine[1] * 16 + g.reg[static_cast<std::size_t>(g.machine().cpu()) * kRegisters + 2];
    ++mine[2];
  }
}

}  // namespace shootdown::explore
