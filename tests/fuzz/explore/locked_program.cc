#include "tests/fuzz/explore/locked_program.h"

#include <functional>
#include <utility>
#include <vector>

#include "fuzz/sim/forget.h"

namespace shootdown::program {

LockedProgram::LockedProgram(MemoryModel model) {
  std::vector<std::function<void(LockedState&)>> threads;
  threads.reserve(threads_.size());
  for (std::size_t t = 0; t < threads_.size(); ++t) {
    threads.emplace_back([this, t](LockedState& state) { RunThread(t, state); });
  }
  program_ = std::make_unique<ProgramOf<LockedState>>(ProgramOf<LockedState>::Parts{
      .name = "locked",
      .threads = std::move(threads),
      .machine = {.memory_model = model, .store_buffer_entries = 3, .step_count_max = 200}});
}

void LockedProgram::Become(std::uint64_t seed) {
  Prng prng(seed);
  forgets_ = prng.OneIn(2);
  for (Steps& steps : threads_) Draw(prng, steps);
}

void LockedProgram::Draw(Prng& prng, Steps& steps) {
  constexpr std::array kOps = {Op::kLoad,  Op::kLoad,  Op::kLoad, Op::kStore,
                               Op::kStore, Op::kStore, Op::kCopy, Op::kPublish};
  constexpr std::array kRareOps = {Op::kAdd, Op::kFence, Op::kLook};
  bool held = false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    Step& step = steps[i];
    step.op = prng.OneIn(8) ? kRareOps[prng.Below(kRareOps.size())] : kOps[prng.Below(kOps.size())];
    step.value = static_cast<std::uint8_t>(prng.Below(3));
    // In the lock the two words that it is for; and without it those seldom.
    step.word = static_cast<std::uint8_t>(held || prng.OneIn(10) ? prng.Below(2) : 2);
    if (held ? i + 1 == steps.size() || prng.OneIn(3) : i + 2 < steps.size() && prng.OneIn(2)) {
      step.op = held ? Op::kUnlock : Op::kLock;
      held = !held;
    }
  }
}

std::uint64_t LockedProgram::Take(const Step& step, LockedState& state) {
  Word& word = state.x[step.word];
  Word& next = state.x[(step.word + 1) % 2];
  switch (step.op) {
    case Op::kLoad:
      return LOAD(word);
    case Op::kStore:
      STORE(word, step.value);
      return 0;
    case Op::kCopy:
      STORE(next, LOAD(word));
      return 0;
    case Op::kPublish:
      if (LOAD(next) == 0) {
        STORE(word, step.value);
        FENCE();
      } else {
        STORE(word, step.value);
      }
      return 0;
    case Op::kAdd:
      return RMW(word, old + 1);
    case Op::kFence:
      FENCE();
      return 0;
    case Op::kLook: {
      const std::uint64_t value = word.Peek();
      sim::Learn(value);
      return value;
    }
    case Op::kLock:
      return state.lock.RmwWhen(
          SHOOTDOWN_SITE("lock"), [](std::uint64_t now) { return now == 0; },
          [](std::uint64_t) { return 1; });
    case Op::kUnlock:
      STORE(state.lock, 0);
      return 0;
  }
  return 0;
}

void LockedProgram::RunThread(std::size_t thread, LockedState& state) const {
  const Steps& steps = threads_[thread];
  sim::Forgetting step_after_step(SHOOTDOWN_SITE("locked"));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (forgets_) step_after_step.Again(i);
    const std::uint64_t seen = Take(steps[i], state);
    // Of those that forget, memory remembers little.
    state.seen[forgets_ ? thread : thread * steps.size() + i] = seen;
  }
}

std::string LockedProgram::Outcome() {
  const LockedState& state = program_->state();
  std::string text;
  for (const std::uint64_t value : state.seen) text += std::to_string(value) + " ";
  for (const Word& word : state.x) text += std::to_string(word.Peek()) + " ";
  for (int c = 0; c < program_->machine().cpu_count(); ++c) {
    text += program_->machine().WaitsBlocked(c) ? "w" : ".";
  }
  return text;
}

std::string LockedProgram::Text() const {
  std::string text(forgets_ ? "forgets: " : "");
  for (const Steps& steps : threads_) {
    for (const Step& step : steps) {
      text += std::string(1, "lscpafkLU"[static_cast<int>(step.op)]) +
              std::string(1, "xyz"[step.word]) + std::to_string(step.value) + " ";
    }
    text += "| ";
  }
  return text;
}

}  // namespace shootdown::program
