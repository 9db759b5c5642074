#include "tests/fuzz/explore/random_cross_calls.h"

#include <array>
#include <cstddef>
#include <utility>

namespace shootdown::explore {

using testing::GuestProgram;

namespace {

constexpr std::array kCells = {'x', 'y', 'z'};
constexpr std::uint64_t kStepCountMax = 200;

// A thread's and a handler's registers, by CPU. The first one counts what has been done, so that whoever looks sees
// where it comes in; the second one is all that has been read.
constexpr std::size_t kRegistersOfOne = 2;
std::uint64_t* ThreadRegisters(GuestProgram& g, int cpu) {
  return g.reg + static_cast<std::size_t>(cpu) * 3 * kRegistersOfOne;
}
std::uint64_t* MondoRegisters(GuestProgram& g, int cpu) {
  return ThreadRegisters(g, cpu) + kRegistersOfOne;
}
std::uint64_t* SoftintRegisters(GuestProgram& g, int cpu) {
  return MondoRegisters(g, cpu) + kRegistersOfOne;
}

char CellOf(int number) { return kCells[static_cast<std::size_t>(number) % kCells.size()]; }

}  // namespace

RandomCrossCalls::Step RandomCrossCalls::Draw(Prng& prng, bool in_handler) const {
  constexpr std::array kSteps = {Op::kLoad,        Op::kLoad,       Op::kStore, Op::kStore,
                                 Op::kStore,       Op::kAdd,        Op::kAct,   Op::kLook,
                                 Op::kLoadAndLook, Op::kLoadAndLook};
  constexpr std::array kWaits = {Op::kWait, Op::kWaitForOne, Op::kWaitForBoth};
  Step step{.op = kSteps[prng.Below(kSteps.size())],
            .what = static_cast<int>(prng.Below(kCells.size())),
            .value = prng.Below(3)};
  if (in_handler) {
    if (softints_ && prng.OneIn(3)) step.op = Op::kSoftint;
  } else if (prng.OneIn(4)) {
    step.op = kWaits[prng.Below(kWaits.size())];
  } else {
    step.masked = prng.OneIn(6);
  }
  return step;
}

RandomCrossCalls::Code RandomCrossCalls::DrawCode(Prng& prng, std::uint32_t size_max,
                                                  bool in_handler) const {
  Code code(1 + prng.Below(size_max));
  for (Step& step : code) step = Draw(prng, in_handler);
  return code;
}

void RandomCrossCalls::DrawSends(Prng& prng) {
  const auto cpus = static_cast<std::uint32_t>(threads_.size());
  for (std::uint32_t left = prng.Below(3); left != 0; --left) {
    const std::uint32_t from = prng.Below(cpus);
    const std::uint32_t to = (from + 1 + prng.Below(cpus - 1)) % cpus;
    Code& code = threads_[from];
    const auto at = code.begin() + static_cast<std::ptrdiff_t>(
                                       prng.Below(static_cast<std::uint32_t>(code.size() + 1)));
    code.insert(at, {.op = Op::kSend, .what = static_cast<int>(to), .value = prng.Below(2)});
  }
}

RandomCrossCalls::RandomCrossCalls(std::uint64_t seed, sim::MemoryModel model) {
  Prng prng(seed);
  const std::uint32_t cpus = 2 + prng.Below(4);
  softints_ = prng.OneIn(6);
  const std::uint32_t size_max = cpus == 2 ? 4 : cpus == 3 ? 3 : 2;
  for (std::uint32_t c = 0; c < cpus; ++c) threads_.push_back(DrawCode(prng, size_max, false));
  for (int h = 0; h < 2; ++h) handlers_.push_back(DrawCode(prng, 2, true));
  DrawSends(prng);
  if (softints_) softint_ = {{.op = Op::kLoad}};

  GuestProgram::Parts parts;
  for (std::size_t c = 0; c < threads_.size(); ++c) {
    parts.threads.emplace_back([this, c](GuestProgram& g) {
      const int cpu = static_cast<int>(c);
      Run(g, ThreadRegisters(g, cpu), MondoRegisters(g, cpu), threads_[c]);
    });
  }
  for (const Code& code : handlers_) {
    parts.mondos.emplace_back([this, &code](GuestProgram& g) {
      const int cpu = g.machine().cpu();
      Run(g, MondoRegisters(g, cpu), ThreadRegisters(g, cpu), code);
    });
  }
  if (softints_) {
    parts.softint = [this](GuestProgram& g, int /*level*/) {
      const int cpu = g.machine().cpu();
      Run(g, SoftintRegisters(g, cpu), ThreadRegisters(g, cpu), softint_);
    };
  }
  program_ = std::make_unique<GuestProgram>(
      std::move(parts), sim::MachineConfig{.memory_model = model, .step_count_max = kStepCountMax});
}

void RandomCrossCalls::Run(GuestProgram& g, std::uint64_t* mine, const std::uint64_t* other,
                           const Code& code) const {
  for (const Step& step : code) {
    if (step.masked) g.machine().SetIe(false);
    Take(g, mine, other, step);
    if (step.masked) g.machine().SetIe(true);
    ++mine[0];
  }
}

void RandomCrossCalls::Take(GuestProgram& g, std::uint64_t* mine, const std::uint64_t* other,
                            const Step& step) const {
  const char cell = CellOf(step.what);
  const char next = CellOf(step.what + 1);
  const std::uint64_t value = step.value;
  const auto note = [mine](std::uint64_t read) { mine[1] = mine[1] * 8 + read; };
  const auto wait = [](const auto& is_over) {
    sim::Machine::Get().WaitUntil(SHOOTDOWN_SITE("wait"), sim::WaitKind::kIdle, is_over);
  };
  switch (step.op) {
    case Op::kLoad: note(g.Load(cell)); break;
    case Op::kStore: g.Store(cell, value); break;
    case Op::kAdd: note(g.Add(cell, value)); break;
    case Op::kAct: g.Act(value); break;
    case Op::kLook:
      g.Act(value);
      note(other[0]);
      break;
    case Op::kLoadAndLook: {
      const std::uint64_t read = g.Load(cell);
      note(read);
      if (read == value) note(g.Peek(next));
      break;
    }
    case Op::kWait: wait([&] { return g.Peek(cell) == value; }); break;
    case Op::kWaitForOne: wait([&] { return g.Peek(cell) == value || g.Peek(next) == 1; }); break;
    case Op::kWaitForBoth: wait([&] { return g.Peek(cell) == value && g.Peek(next) != 2; }); break;
    case Op::kSoftint: g.machine().RaiseSoftint(g.machine().cpu(), sim::kPilReschedule); break;
    case Op::kSend: note(g.SendMondo(step.what, value) ? 1 : 0); break;
  }
}

std::string RandomCrossCalls::Outcome(const sim::Violation* violation) const {
  std::string text = violation != nullptr ? violation->check + " " : "";
  for (std::size_t i = 0; i < GuestProgram::kRegisterCount; ++i) {
    text += std::to_string(program_->reg[i]) + " ";
  }
  for (const char cell : kCells) {
    text += std::string(1, cell) + "=" + std::to_string(program_->Peek(cell)) + " ";
  }
  return text;
}

std::string RandomCrossCalls::TextOf(const Code& code) {
  constexpr std::array kNames = {"load",          "store",         "add",  "act",
                                 "look",          "load and look", "wait", "wait for one",
                                 "wait for both", "softint",       "send"};
  std::string text;
  for (const Step& step : code) {
    text += step.masked ? " masked " : " ";
    text += kNames[static_cast<std::size_t>(step.op)];
    text += "(" +
            (step.op == Op::kSend ? std::to_string(step.what) : std::string(1, CellOf(step.what)));
    text += "," + std::to_string(step.value) + ")";
  }
  return text + "\n";
}

std::string RandomCrossCalls::Text() const {
  std::string text;
  for (std::size_t c = 0; c < threads_.size(); ++c) {
    text += "T" + std::to_string(c) + ":" + TextOf(threads_[c]);
  }
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    text += "mondo " + std::to_string(h) + ":" + TextOf(handlers_[h]);
  }
  if (softints_) text += "softint:" + TextOf(softint_);
  return text;
}

}  // namespace shootdown::explore
