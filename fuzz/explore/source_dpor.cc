#include "fuzz/explore/source_dpor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "fuzz/base/check.h"
#include "fuzz/explore/run_count.h"

namespace shootdown::explore {

using sim::StepKind;

SourceDpor::SourceDpor(sim::Subject& subject, DporOptions options)
    : ProcessScheduler(WaysOut::kByWord),
      subject_(subject),
      options_(std::move(options)),
      clock_stride_((static_cast<std::size_t>(
                         ProcessCount(subject.machine().config(), WaysOut::kByWord)) +
                     kClocksTogether - 1) /
                    kClocksTogether * kClocksTogether),
      buffer_entries_(static_cast<std::size_t>(subject.machine().config().store_buffer_entries)),
      last_on_word_(subject.machine().arena().used_bytes() / 8, kNone) {
  if (subject.machine().config().memory_model != sim::MemoryModel::kRmo) {  // which it refuses
    RequireProcesses(subject.machine().config(), WaysOut::kByWord);
  }
  last_of_process_.fill(kNone);
  ChooseWhereItWaits();
}

void SourceDpor::NewRun() {
  depth_ = 0;
  gave_up_ = false;
}

// ---- steps ---------------------------------------------------------------------------------------

// What is marked inline here and below is done for each new step, within Choose. Left to itself the
// compiler calls it: a tenth more instructions.

[[gnu::always_inline]] inline SourceDpor::Step SourceDpor::NextOf(Process p) const {
  if (IsBuffer(p)) {
    return {.kind = StepKind::kDrain,
            .writes = true,
            .word = machine().BufferedAt(CpuOf(p), PlaceOf(p)).word};
  }
  const Pending& next = pending(p);
  Step step{.kind = next.kind, .empties_buffer = next.empties_buffer, .word = next.word};
  switch (next.kind) {
    case StepKind::kLoad: {
      for (int i = 0; i < machine().BufferedCount(p); ++i) {
        step.forwarded = step.forwarded || machine().BufferedAt(p, i).word == step.word;
      }
      step.reads = !step.forwarded;
      break;
    }
    case StepKind::kStore:
      step.writes = !buffers();
      break;
    case StepKind::kRmw:
      step.reads = true;
      step.writes = true;
      break;
    default:
      break;
  }
  return step;
}

SourceDpor::Step SourceDpor::StepOf(const Frame& f) {
  return {.kind = f.kind,
          .reads = f.reads,
          .writes = f.writes,
          .forwarded = f.forwarded,
          .word = f.word};
}

// `a` of `p` came first.
bool SourceDpor::Dependent(Process p, const Step& a, Process q, const Step& b) const {
  if (a.word != b.word || a.word == sim::kNoWord) return false;
  if (a.forwarded || b.forwarded) {
    const Step& other = a.forwarded ? b : a;
    return other.kind == StepKind::kDrain && CpuOf(p) == CpuOf(q) &&
           options_.left_out != LeftOut::kForwarding;
  }
  if (a.writes && b.writes) return options_.left_out != LeftOut::kWriteWriteRaces;
  if (a.reads && b.writes) return options_.left_out != LeftOut::kReadWriteRaces;
  if (a.writes && b.reads) return options_.left_out != LeftOut::kWriteReadRaces;
  return false;
}

// ---- happens-before and races ----------------------------------------------------------------------

// A few bytes mostly: the copy is done before a function for any number of them would have begun.
void SourceDpor::CopyClock(const Clock* from, Clock* to) const {
  for (std::size_t q = 0; q < clock_stride_; q += kClocksTogether) {
    std::memcpy(to + q, from + q, kClocksTogether * sizeof(Clock));
  }
}

void SourceDpor::Join(std::int32_t frame) {
  const Clock* const clock = ClockOf(frame);
  for (std::size_t from = 0; from < clock_stride_; from += kClocksTogether) {
    for (std::size_t q = from; q < from + kClocksTogether; ++q) {
      now_[q] = std::max(now_[q], clock[q]);
    }
  }
}

// The store whose drain is the next step of `way`.
std::int32_t SourceDpor::StoreOfNextDrain(Process way) const {
  const std::int32_t last = last_of_process_[static_cast<std::size_t>(way)];
  const std::size_t drained = last == kNone ? 0 : frames_[static_cast<std::size_t>(last)].nth;
  return stores_[static_cast<std::size_t>(way)][drained];
}

// The drains of the CPU's stores from before the frame `membar`: they are done.
void SourceDpor::JoinDrainsBefore(int cpu, std::int32_t membar) {
  for (Process way = FirstWay(cpu); way < FirstWay(cpu) + way_count(); ++way) {
    std::int32_t drain = last_of_process_[static_cast<std::size_t>(way)];
    while (drain != kNone &&
           stores_[static_cast<std::size_t>(way)]
                  [frames_[static_cast<std::size_t>(drain)].nth - 1] > membar) {
      drain = frames_[static_cast<std::size_t>(drain)].before_of_process;
    }
    if (drain != kNone) Join(drain);
  }
}

// What happens before the step of `p` whatever other processes access.
[[gnu::always_inline]] inline void SourceDpor::ClockBefore(Process p, const Step& step) {
  const std::int32_t last_step = last_of_process_[static_cast<std::size_t>(p)];
  if (last_step == kNone) {
    std::fill_n(now_.begin(), clock_stride_, Clock{0});
  } else {
    CopyClock(ClockOf(last_step), now_.data());
  }
  if (!buffers()) return;
  if (IsBuffer(p)) {
    const std::int32_t store = StoreOfNextDrain(p);
    Join(store);
    if (weak()) JoinDrainsBefore(CpuOf(p), frames_[static_cast<std::size_t>(store)].store_store);
  } else if (step.empties_buffer) {
    JoinDrainsBefore(p, static_cast<std::int32_t>(depth_));
  } else if (weak() && last_step != kNone &&
             (step.kind == StepKind::kLoad || step.kind == StepKind::kRmw)) {
    const Frame& last = frames_[static_cast<std::size_t>(last_step)];
    JoinDrainsBefore(p, last.store_load);
    if (step.kind == StepKind::kRmw) JoinDrainsBefore(p, last.store_store);
  } else if (step.kind == StepKind::kStore && !weak()) {
    const std::size_t stores = stores_[static_cast<std::size_t>(FirstWay(p))].size();
    if (stores < buffer_entries_) return;
    const std::size_t made_room = stores - buffer_entries_ + 1;
    std::int32_t drain = last_of_process_[static_cast<std::size_t>(FirstWay(p))];
    while (drain != kNone && frames_[static_cast<std::size_t>(drain)].nth != made_room) {
      drain = frames_[static_cast<std::size_t>(drain)].before_of_process;
    }
    if (drain != kNone) Join(drain);
  }
}

// The steps that the step of `p` is in a race with; afterwards now_ knows all that happens before it.
// An await's races with writes are another matter.
[[gnu::always_inline]] inline void SourceDpor::FindRaces(Process p, const Step& step, bool await) {
  if (step.word == sim::kNoWord) return;
  const bool races = options_.reduction == DporOptions::Reduction::kSourceSets;
  std::int32_t own_store = kNone;  // a drain is dependent on loads that came after its store
  if (step.kind == StepKind::kDrain) own_store = StoreOfNextDrain(p);
  bool past_write = false;
  for (std::int32_t i = last_on_word_[step.word]; i != kNone;
       i = frames_[static_cast<std::size_t>(i)].before_on_word) {
    const Frame& f = frames_[static_cast<std::size_t>(i)];
    if (past_write && i < own_store) break;
    if ((!past_write || f.forwarded) && f.process != p &&
        Dependent(f.process, StepOf(f), p, step) && !KnownBefore(i)) {
      if (races && !(await && f.writes)) Race(i, p);
      Join(i);
    }
    if (f.writes) {
      if (own_store == kNone) break;
      past_write = true;
    }
  }
}

void SourceDpor::FindRacesOfAwait(Process p, const Step& step, const sim::Await& await) {
  if (options_.reduction != DporOptions::Reduction::kSourceSets || step.forwarded) return;
  bool last = true;
  for (std::int32_t i = last_on_word_[step.word]; i != kNone;
       i = frames_[static_cast<std::size_t>(i)].before_on_word) {
    const Frame& f = frames_[static_cast<std::size_t>(i)];
    if (!f.writes) continue;
    if (KnownBefore(i)) break;
    // Before its CPU's own drain it is the buffer that serves it, and nobody else's write matters.
    const bool own = f.kind == StepKind::kDrain && CpuOf(f.process) == p;
    if (await.ready(await.argument, own ? f.new_value : f.old_value)) Race(i, p);
    if (own) break;
    if (last && options_.left_out == LeftOut::kEarlierWrites) break;
    last = false;
  }
}

// The step of `p` that now_ is about races with that of frame `first`: before `first`, somebody must be
// tried who leads to the other order.
void SourceDpor::Race(std::int32_t first, Process p) {
  Frame& f = frames_[static_cast<std::size_t>(first)];
  if (options_.left_out == LeftOut::kInitials) {
    const ProcessSet only = Bit(p) & f.enabled;
    if ((only & (f.backtrack | f.sleep)) == 0) f.backtrack |= only;
    return;
  }
  const ProcessSet initials = InitialsAfter(*this, first, static_cast<std::int32_t>(depth_), p);
  f.backtrack |= ToBeTried(initials, f.enabled, f.backtrack | f.sleep, p);
}

// Waits that nobody ended: they might have, earlier.
void SourceDpor::RacesOfWaits() {
  if (options_.left_out == LeftOut::kWaitsAtTheEnd) return;
  for (int c = 0; c < cpu_count(); ++c) {
    const sim::Await* const await = machine().Awaited(c);
    if (await == nullptr) continue;
    const Step step{.kind = await->kind,
                    .reads = true,
                    .empties_buffer = await->kind == StepKind::kRmw,
                    .word = await->word};
    ClockBefore(c, step);
    FindRacesOfAwait(c, step, *await);
  }
}

// ---- places ----------------------------------------------------------------------------------------

// Where a run leaves the one before it: the next ones will leave it there too, or later.
[[gnu::always_inline]] inline bool SourceDpor::KeepsPlace() const {
  if (depth_ != replayed_ || frame_count_ == 0 || !machine().CanKeepCheckpoints()) return false;
  return places_.empty() || places_.depth() < depth_;
}

[[gnu::always_inline]] inline void SourceDpor::KeepPlace() {
  Place& place = places_.Push();
  place.depth = depth_;
  Keep(place.standing);
  subject_.machine().KeepCheckpoint(place.machine, places_.BeforeLast());
}

void SourceDpor::ResumeFromPlace() {
  places_.DropFrom(replayed_ + 1);
  if (places_.empty()) return;
  const Place& place = places_.last();
  depth_ = place.depth;
  gave_up_ = false;
  GoBackTo(place.standing);
  subject_.machine().ResumeFrom(place.machine);
}

// ---- the walk ------------------------------------------------------------------------------------

[[gnu::always_inline]] inline void SourceDpor::OpenFrame() {
  if (frame_count_ == frames_.size()) {
    frames_.emplace_back();
    clocks_.resize(frames_.size() * clock_stride_);
  }
  frames_[frame_count_++] = Frame{.enabled = Enabled(), .sleep = next_sleep_};
}

// The next step of the run before this one, and all behind it that need no question.
[[gnu::always_inline]] inline Process SourceDpor::Repeat() {
  const Process p = frames_[depth_++].process;
  if (IsBuffer(p)) return p;
  std::uint32_t count = 0;
  while (depth_ < replayed_ && frames_[depth_].process == p &&
         !(buffers() && frames_[depth_].kind == StepKind::kStore)) {
    ++depth_;
    ++count;
  }
  GoOnUnasked(count);
  return p;
}

[[gnu::always_inline]] inline Process SourceDpor::Choose() {
  if (KeepsPlace()) KeepPlace();
  if (depth_ < replayed_) return Repeat();
  if (depth_ == frame_count_) {
    OpenFrame();
    Frame& f = frames_[depth_];
    const ProcessSet awake = f.enabled & ~f.sleep;
    if (awake == 0) {
      const bool over = f.enabled == 0;
      --frame_count_;
      // Also where the rest of the run is known: who waits has shown no race by a step of its own.
      if (options_.reduction == DporOptions::Reduction::kSourceSets) RacesOfWaits();
      gave_up_ = !over;
      return over ? kNobody : kCut;
    }
    if (options_.reduction == DporOptions::Reduction::kSleepSets) {
      f.process = Lowest(awake);
      f.backtrack = f.enabled;
    } else {
      // Drains first, then on with the CPU that runs: near the default order.
      const ProcessSet drains = buffers() ? awake & WaysOf(current_cpu()) : 0;
      f.process = drains != 0                         ? Lowest(drains)
                  : (awake & Bit(current_cpu())) != 0 ? current_cpu()
                                                      : Lowest(awake);
      f.backtrack = Bit(f.process);
    }
  }
  CountStep();
  const Process p = frames_[depth_++].process;
  return refused_ ? kCut : p;  // what follows may be anything, and is not to be counted
}

sim::Move SourceDpor::Pick(const sim::Question& question) {
  return PickBy([this] { return Choose(); }, question);
}

// The step of `p` is none that this search knows.
[[gnu::always_inline]] inline bool SourceDpor::IsUnknown(Process p, const Step& step) const {
  switch (step.kind) {
    case StepKind::kLoad:
    case StepKind::kStore:
    case StepKind::kRmw:
    case StepKind::kFence:
    case StepKind::kDrain:
    case StepKind::kAction:
      return !IsBuffer(p) && pending(p).blocked && machine().Awaited(p) == nullptr;
    default:
      return true;
  }
}

// The step of frame `depth_` is about to be taken: its races, its clock, and who sleeps after it.
[[gnu::always_inline]] inline void SourceDpor::CountStep() {
  const Process p = frames_[depth_].process;
  const Step step = NextOf(p);
  if (IsUnknown(p, step)) refused_ = true;

  ClockBefore(p, step);
  const sim::Await* const await = IsBuffer(p) ? nullptr : machine().Awaited(p);
  if (await != nullptr) FindRacesOfAwait(p, step, *await);
  FindRaces(p, step, await != nullptr);

  Frame& f = frames_[depth_];
  Record(f, step);
  Clock* const clock = &clocks_[depth_ * clock_stride_];
  CopyClock(now_.data(), clock);
  clock[p] = static_cast<Clock>(f.nth);
  next_sleep_ = AsleepAfter(f, step);
}

// What later steps have to know of the step that is taken from `f`, the last frame.
[[gnu::always_inline]] inline void SourceDpor::Record(Frame& f, const Step& step) {
  const auto here = static_cast<std::int32_t>(depth_);
  const Process p = f.process;
  std::int32_t& last = last_of_process_[static_cast<std::size_t>(p)];
  f.before_of_process = last;
  f.nth = last == kNone ? 1 : frames_[static_cast<std::size_t>(last)].nth + 1;
  last = here;
  f.kind = step.kind;
  f.reads = step.reads;
  f.writes = step.writes;
  f.forwarded = step.forwarded;
  f.word = step.reads || step.writes || step.forwarded ? step.word : sim::kNoWord;
  if (f.word != sim::kNoWord) {
    if (f.writes) f.old_value = sim::Machine::PeekWord(f.word);
    if (f.kind == StepKind::kDrain) f.new_value = machine().BufferedAt(CpuOf(p), PlaceOf(p)).value;
    f.before_on_word = last_on_word_[f.word];
    last_on_word_[f.word] = here;
  }
  if (weak() && !IsBuffer(p)) NoteMembar(f);
  if (buffers() && f.kind == StepKind::kStore) {
    f.way = WayOf(p, step.word);
    if (f.way == kNobody ||
        (weak() && machine().BufferedCount(p) + 1 == machine().config().store_buffer_entries)) {
      refused_ = true;
      f.way = FirstWay(p);
    }
    stores_[static_cast<std::size_t>(f.way)].push_back(here);
  }
  f.counted = true;
}

// Who sleeps after the step that is taken from `f`.
[[gnu::always_inline]] inline ProcessSet SourceDpor::AsleepAfter(const Frame& f,
                                                                 const Step& step) const {
  if (options_.left_out == LeftOut::kSleep) return 0;
  ProcessSet asleep = 0;
  for (ProcessSet rest = (f.sleep | f.done) & ~Bit(f.process); rest != 0; rest &= rest - 1) {
    const Process q = Lowest(rest);
    if (options_.left_out == LeftOut::kWakeUps || !Dependent(f.process, step, q, NextOf(q))) {
      asleep |= Bit(q);
    }
  }
  return asleep;
}

// Which membars the CPU has behind it once the step of `f` is taken, or, if that is one, with it.
void SourceDpor::NoteMembar(Frame& f) const {
  if (f.before_of_process != kNone) {
    const Frame& before = frames_[static_cast<std::size_t>(f.before_of_process)];
    f.store_store = before.store_store;
    f.store_load = before.store_load;
  }
  if (f.kind != StepKind::kFence) return;
  const sim::MembarMask mask = pending(f.process).membar;
  const auto here = static_cast<std::int32_t>(depth_);
  if ((mask & sim::kStoreStore) != 0) f.store_store = here;
  if ((mask & sim::kStoreLoad) != 0) f.store_load = here;
}

void SourceDpor::Undo(std::size_t frame) {
  const Frame& f = frames_[frame];
  last_of_process_[static_cast<std::size_t>(f.process)] = f.before_of_process;
  if (f.word != sim::kNoWord) last_on_word_[f.word] = f.before_on_word;
  if (buffers() && f.kind == StepKind::kStore) stores_[static_cast<std::size_t>(f.way)].pop_back();
}

bool SourceDpor::Backtrack() {
  while (frame_count_ != 0) {
    Frame& f = frames_[frame_count_ - 1];
    if (f.counted) Undo(frame_count_ - 1);
    f.counted = false;
    f.done |= Bit(f.process);
    const ProcessSet left = f.backtrack & ~f.done & ~f.sleep;
    if (left != 0) {
      f.process = Lowest(left);
      replayed_ = frame_count_ - 1;
      return true;
    }
    --frame_count_;
  }
  return false;
}

Report SourceDpor::Explore() {
  RunCount count(subject_, options_, options_.count_classes);
  if (subject_.machine().config().memory_model == sim::MemoryModel::kRmo) {
    count.report().stopped_by = StoppedBy::kRefused;
    return count.report();
  }
  do {
    if (count.Stopped()) return count.report();
    ResumeFromPlace();
    const sim::Violation* const violation = subject_.RunOnce(*this);
    if (refused_) {
      count.report().stopped_by = StoppedBy::kRefused;
      return count.report();
    }
    if (gave_up_) {
      count.GivenUp();
    } else {
      count.Ended(violation);
      if (violation != nullptr && !options_.go_on) return count.report();
    }
  } while (Backtrack());
  count.report().complete = true;
  return count.report();
}

}  // namespace shootdown::explore
