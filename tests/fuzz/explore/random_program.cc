#include "tests/fuzz/explore/random_program.h"

#include <array>
#include <functional>
#include <utility>

#include "fuzz/sim/forget.h"

namespace shootdown::program {
namespace {

constexpr int kSharedWordCount = 2;

}  // namespace

RandomProgram::RandomProgram(MemoryModel model, Words words)
    : words_(words), weak_(words != Words::kMostlyOwn && model >= MemoryModel::kPso) {
  const bool shared = words != Words::kMostlyOwn;
  steps_.assign(shared ? 3 : 2, std::vector<Step>(shared ? 3 : 6));
  std::vector<std::function<void(RandomState&)>> threads;
  for (std::size_t t = 0; t < steps_.size(); ++t) {
    threads.emplace_back([this, t](RandomState& state) { RunThread(static_cast<int>(t), state); });
  }
  sim::MachineConfig machine{.memory_model = model, .step_count_max = shared ? 100u : 200u};
  if (!shared) machine.store_buffer_entries = 3;
  program_ = std::make_unique<ProgramOf<RandomState>>(ProgramOf<RandomState>::Parts{
      .name = "random", .threads = std::move(threads), .machine = machine});
}

void RandomProgram::Become(std::uint64_t seed) {
  Prng prng(seed);
  std::uint64_t value = 0;
  for (std::size_t t = 0; t < steps_.size(); ++t) {
    for (Step& step : steps_[t]) {
      step = Draw(prng, static_cast<int>(t));
      // An await is for a value that somebody might store.
      const bool awaits = step.op == Op::kAwait || step.op == Op::kWait;
      step.value = awaits ? prng.Below(4) : ++value;
    }
  }
}

RandomProgram::Step RandomProgram::Draw(Prng& prng, int thread) const {
  switch (words_) {
    case Words::kShared:
      return DrawShared(prng);
    case Words::kMostlyOwn:
      return DrawMostlyOwn(prng, thread);
    case Words::kAwaited:
      break;
  }
  return DrawAwaited(prng);
}

RandomProgram::Step RandomProgram::DrawAwaited(Prng& prng) const {
  Step step = DrawShared(prng);
  if (prng.OneIn(3)) step.op = prng.OneIn(4) ? Op::kAwait : Op::kWait;
  return step;
}

RandomProgram::Step RandomProgram::DrawShared(Prng& prng) const {
  constexpr std::array kOps = {Op::kLoad,  Op::kLoad,  Op::kLoad, Op::kStore,
                               Op::kStore, Op::kStore, Op::kAdd,  Op::kFence};
  Step step{};
  step.op = prng.Below(10) == 0 ? Op::kAwait : kOps[prng.Below(kOps.size())];
  if (weak_ && step.op == Op::kFence) step.op = Op::kMembar;
  if (weak_ && step.op == Op::kAdd && prng.OneIn(2)) step.op = Op::kAddUnordered;
  step.word = static_cast<int>(prng.Below(kSharedWordCount));
  return step;
}

RandomProgram::Step RandomProgram::DrawMostlyOwn(Prng& prng, int thread) const {
  constexpr std::array kOps = {Op::kLoad,  Op::kLoad,  Op::kStore, Op::kStore, Op::kStore,
                               Op::kStore, Op::kStore, Op::kAdd,   Op::kFence, Op::kLook};
  Step step{};
  step.op = prng.OneIn(16) ? Op::kAwait : kOps[prng.Below(kOps.size())];
  if (prng.OneIn(2)) {
    step.word = kSharedWordCount + thread;
  } else if (prng.OneIn(12)) {
    step.word =
        kSharedWordCount + static_cast<int>(prng.Below(static_cast<std::uint32_t>(steps_.size())));
  } else {
    step.word = static_cast<int>(prng.Below(kSharedWordCount));
  }
  return step;
}

void RandomProgram::RunThread(int thread, RandomState& state) {
  const std::vector<Step>& steps = steps_[static_cast<std::size_t>(thread)];
  std::uint64_t* reg = &state.r[static_cast<std::size_t>(thread) * steps.size()];
  for (const Step& step : steps) {
    Word& word = state.x[step.word];
    switch (step.op) {
      case Op::kLoad:
        *reg = LOAD(word);
        break;
      case Op::kStore:
        STORE(word, step.value);
        break;
      case Op::kAdd:
        *reg = RMW(word, old + 16);
        break;
      case Op::kAddUnordered:
        *reg = RMW_UNORDERED(word, old + 16);
        break;
      case Op::kFence:
        FENCE();
        break;
      case Op::kMembar:
        MEMBAR(static_cast<sim::MembarMask>(step.value & sim::kMembarAll));
        break;
      case Op::kAwait:
        *reg = AWAIT(word, now >= step.value) + 1000;
        break;
      case Op::kLook:
        *reg = word.Peek() + 2000;
        sim::Learn(*reg);
        break;
      case Op::kWait:
        sim::Machine::Get().WaitUntil(SHOOTDOWN_SITE("wait"), sim::WaitKind::kBlocked,
                                      [&] { return word.Peek() >= step.value; });
        *reg = LOAD(word) + 3000;
        break;
    }
    ++reg;
  }
}

std::string RandomProgram::Outcome() {
  const RandomState& state = program_->state();
  std::string text;
  for (const std::uint64_t value : state.r) text += std::to_string(value) + " ";
  for (const Word& word : state.x) text += std::to_string(word.Peek()) + " ";
  for (int c = 0; c < program_->machine().cpu_count(); ++c) {
    text += program_->machine().WaitsBlocked(c) ? "w" : ".";
  }
  return text;
}

std::string RandomProgram::Text() const {
  std::string text;
  for (const auto& thread : steps_) {
    for (const Step& step : thread) {
      text += std::string(1, "lsafwmukb"[static_cast<int>(step.op)]) + "xyab"[step.word] +
              std::to_string(step.value) + " ";
    }
    text += "| ";
  }
  return text;
}

}  // namespace shootdown::program
