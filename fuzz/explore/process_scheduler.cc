#include "fuzz/explore/process_scheduler.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fuzz/base/check.h"

namespace shootdown::explore {

using sim::Move;
using sim::StepKind;

namespace {

// Where a CPU stands that has not begun: it waits for nothing.
constexpr sim::Site kNotBegun{"ThreadEntry", "not begun", &sim::FormatNumber};

struct Shape {
  int ways;  // out of each buffer
  int olds;  // for each CPU
};

Shape ShapeOf(const sim::MachineConfig& config, WaysOut ways_out) {
  // One at least: with none a buffer's stores would be the CPU's own steps, as under SC.
  const int by_word = std::max(kProcessCountMax / config.cpu_count - 1, 1);
  const int ways = ways_out == WaysOut::kByWord ? by_word : config.store_buffer_entries;
  switch (config.memory_model) {
    case sim::MemoryModel::kSc: return {0, 0};
    case sim::MemoryModel::kTso: return {1, 0};
    case sim::MemoryModel::kPso: return {ways, 0};
    case sim::MemoryModel::kRmo: return {config.store_buffer_entries, kOldValueCountMax};
  }
  return {0, 0};
}

}  // namespace

int ProcessCount(const sim::MachineConfig& config, WaysOut ways_out) {
  const Shape shape = ShapeOf(config, ways_out);
  return config.cpu_count * (1 + shape.ways + shape.olds);
}

void RequireProcesses(const sim::MachineConfig& config, WaysOut ways_out) {
  const int found = ProcessCount(config, ways_out);
  if (found <= kProcessCountMax) return;
  std::fprintf(
      stderr,
      "search of all schedules: found %d processes (%d CPUs under %s, with ways out of their store "
      "buffers), wanted at most %d\n",
      found, config.cpu_count, std::string(NameOf(config.memory_model)).c_str(), kProcessCountMax);
  std::abort();
}

void ProcessScheduler::StartRun(const sim::Machine& machine) {
  machine_ = &machine;
  cpu_count_ = machine.cpu_count();
  SHOOTDOWN_CHECK(cpu_count_ <= kProcessCountMax);
  const Shape shape = ShapeOf(machine.config(), ways_out_);
  way_count_ = shape.ways;
  old_count_ = shape.olds;
  first_old_ = cpu_count_ * (1 + way_count_);
  weak_ = machine.config().memory_model >= sim::MemoryModel::kPso;
  current_ = 0;
  started_ = 0;
  pending_.fill({.site = &kNotBegun, .kind = StepKind::kWait, .blocked = true});
  ask_at_ = 0;
  ForgetChoice();
  NewRun();
}

void ProcessScheduler::ForgetChoice() {
  chosen_ = kNobody;
  settled_ = false;
  wakes_ = false;
  at_once_ = false;
  steps_unasked_ = 0;
  event_.reset();
}

void ProcessScheduler::Keep(Standing& standing) const {
  standing.current = current_;
  standing.pending.assign(pending_.begin(), pending_.begin() + cpu_count_);
  standing.unasked_actor = unasked_actor_;
  standing.ask_at = ask_at_;
}

void ProcessScheduler::GoBackTo(const Standing& standing) {
  ForgetChoice();
  current_ = standing.current;
  started_ = cpu_count_;
  std::copy_n(standing.pending.begin(), standing.pending.size(), pending_.begin());
  unasked_actor_ = standing.unasked_actor;
  ask_at_ = standing.ask_at;
}

Process ProcessScheduler::WayOf(int cpu, sim::WordIndex word) {
  if (!weak_) return FirstWay(cpu);
  std::vector<sim::WordIndex>& words = words_[static_cast<std::size_t>(cpu)];
  const auto found = std::ranges::find(words, word);
  const auto way = static_cast<int>(found - words.begin());
  if (way == way_count_) {
    too_many_ = true;
    return kNobody;
  }
  if (found == words.end()) words.push_back(word);
  return FirstWay(cpu) + way;
}

int ProcessScheduler::PlaceOf(Process p) const {
  const int cpu = CpuOf(p);
  const int way = p - FirstWay(cpu);
  if (!weak_ || ways_out_ == WaysOut::kByPlace) return way;
  const std::vector<sim::WordIndex>& words = words_[static_cast<std::size_t>(cpu)];
  const int count = machine_->BufferedCount(cpu);
  if (static_cast<std::size_t>(way) >= words.size()) return count;
  for (int i = 0; i < count; ++i) {
    if (machine_->BufferedAt(cpu, i).word == words[static_cast<std::size_t>(way)]) return i;
  }
  return count;
}

bool ProcessScheduler::CanStep(int cpu) const {
  if (!machine_->CanRun(cpu)) return false;
  const int buffered = machine_->BufferedCount(cpu);
  if (buffered == 0 || machine_->InterruptDue(cpu)) return true;
  const Pending& next = pending(cpu);
  if (next.empties_buffer) return false;
  if (next.may_wait) return buffered < machine_->config().store_buffer_entries;
  if (next.kind == StepKind::kLoad) return !machine_->BufferBlocksLoad(cpu);
  return next.kind != StepKind::kRmw || !machine_->BufferBlocksRmw(cpu, next.word);
}

// How many older values the CPU's next step may give: none if that is no load.
int ProcessScheduler::OldValues(int cpu) {
  const Pending& next = pending(cpu);
  if (next.kind != StepKind::kLoad || next.blocked) return 0;
  if (machine_->Awaited(cpu) != nullptr || machine_->InterruptDue(cpu)) return 0;
  const int count = machine_->OldValueCount(cpu, next.word);
  if (count > old_count_) too_many_ = true;
  return std::min(count, old_count_);
}

ProcessSet ProcessScheduler::EnabledWithBuffers() {
  ProcessSet enabled = 0;
  for (int c = 0; c < cpu_count_; ++c) {
    const bool can = CanStep(c);
    if (can) enabled |= Bit(c);
    if (machine_->BufferedCount(c) != 0) {
      for (int way = 0; way < way_count_; ++way) {
        const Process p = FirstWay(c) + way;
        if (machine_->MayLeave(c, PlaceOf(p))) enabled |= Bit(p);
      }
    }
    if (can && old_count_ != 0) {
      enabled |= InARow(FirstOld(c), OldValues(c));
    }
  }
  return enabled;
}

// What a thread does before its first step may keep interrupts out, or depend on what others have done.
// An idle thread waits first of all.
bool ProcessScheduler::BeginsByChoice(int cpu) const {
  return (machine_->takes_softints() || machine_->takes_nmis()) &&
         machine_->thread(cpu).actor_class() != ActorId::Class::kIdle;
}

// First all other CPUs are entered, as far as to their first step. One that waits again at once, or has
// nothing to do, has shown that too. Which is the next one; kNobody: all are entered.
int ProcessScheduler::NextToEnter() {
  if (started_ <= current_) started_ = current_ + 1;
  while (started_ < cpu_count_ && (!machine_->CanRun(started_) || BeginsByChoice(started_))) ++started_;
  return started_ < cpu_count_ ? started_ : kNobody;
}

bool ProcessScheduler::InterruptMayCome(int cpu) const {
  if (machine().InterruptWaits(cpu)) return true;
  for (int c = 0; c < cpu_count(); ++c) {
    if (c != cpu && pending(c).kind == StepKind::kMondoSend) return true;
  }
  return false;
}

// A CPU that has a step to take, no handler's, and can take it. An await that is ready is one.
int ProcessScheduler::FirstWithStep() const {
  for (int c = 0; c < cpu_count_; ++c) {
    const bool has_step = !pending(c).blocked || machine_->Awaited(c) != nullptr;
    if (has_step && machine_->CanRun(c) && !machine_->InterruptDue(c)) return c;
  }
  return kNobody;
}

Move ProcessScheduler::Pick(const sim::Question& question) {
  return PickBy([this] { return Choose(); }, question);
}

std::uint32_t ProcessScheduler::NextQuestion(ActorId actor, std::uint32_t index) {
  return actor == unasked_actor_ ? std::max(index, ask_at_) : index;
}

}  // namespace shootdown::explore
