#include "tests/fuzz/explore/random_program.h"

namespace shootdown::program {

RandomProgram::RandomProgram(MemoryModel model) : weak_(model >= MemoryModel::kPso) {
  std::vector<std::function<void(RandomState&)>> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.push_back([this, t](RandomState& state) { RunThread(t, state); });
  }
  program_ = std::make_unique<ProgramOf<RandomState>>(ProgramOf<RandomState>::Parts{
      .name = "random",
      .threads = std::move(threads),
      .machine = {.memory_model = model, .step_count_max = 100}});
}

void RandomProgram::Become(std::uint64_t seed) {
  Prng prng(seed);
  std::uint64_t value = 0;
  for (auto& thread : steps_) {
    for (Step& step : thread) {
      // Mostly loads and stores; an await is for a value that somebody might store.
      constexpr Op kOps[] = {Op::kLoad,  Op::kLoad,  Op::kLoad, Op::kStore,
                             Op::kStore, Op::kStore, Op::kAdd,  Op::kFence};
      step.op = prng.Below(10) == 0 ? Op::kAwait : kOps[prng.Below(8)];
      if (weak_ && step.op == Op::kFence) step.op = Op::kMembar;
      if (weak_ && step.op == Op::kAdd && prng.OneIn(2)) step.op = Op::kAddUnordered;
      step.word = static_cast<int>(prng.Below(2));
      step.value = step.op == Op::kAwait ? prng.Below(4) : ++value;
    }
  }
}

void RandomProgram::RunThread(int thread, RandomState& state) {
  std::uint64_t* reg = &state.r[thread * kSteps];
  for (const Step& step : steps_[static_cast<std::size_t>(thread)]) {
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
    }
    ++reg;
  }
}

std::string RandomProgram::Outcome() {
  const RandomState& state = program_->state();
  std::string text;
  for (const std::uint64_t value : state.r) text += std::to_string(value) + " ";
  for (const Word& word : state.x) text += std::to_string(word.Peek()) + " ";
  for (int c = 0; c < kThreads; ++c) text += program_->machine().WaitsBlocked(c) ? "w" : ".";
  return text;
}

std::string RandomProgram::Text() const {
  std::string text;
  for (const auto& thread : steps_) {
    for (const Step& step : thread) {
      text += std::string(1, "lsafwmu"[static_cast<int>(step.op)]) + "xy"[step.word] +
              std::to_string(step.value) + " ";
    }
    text += "| ";
  }
  return text;
}

}  // namespace shootdown::program
