#include "fuzz/explore/footprint_dpor.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "fuzz/base/check.h"
#include "fuzz/sim/watched.h"

namespace shootdown::explore {

using sim::LogEntry;
using sim::Move;
using sim::StepKind;

FootprintDpor::FootprintDpor(sim::Subject& subject, FootprintOptions options)
    : subject_(subject),
      options_(std::move(options)),
      watch_(subject.machine()),
      first_event_process_(ProcessCount(subject.machine().config())),
      process_count_(static_cast<std::size_t>(
          first_event_process_ + (options_.events == 0 ? 0 : subject.machine().cpu_count()))),
      buffer_entries_(static_cast<std::size_t>(subject.machine().config().store_buffer_entries)),
      count_(subject, options_, options_.count_classes),
      last_on_word_(kFootprintWords, kNone) {
  SHOOTDOWN_CHECK(sim::GuestCodeIsWatched());
  if (options_.share.job_count != 1) {
    SHOOTDOWN_CHECK(!options_.should_stop && !options_.on_run && !options_.go_on);
  }
  std::ranges::fill(options_.reached, 0);
  last_of_process_.fill(kNone);
  ChooseEverywhere();
}

void FootprintDpor::NewRun() {
  depth_ = 0;
  gave_up_ = false;
}

// ---- what happens before what ------------------------------------------------------------------------

void FootprintDpor::Join(std::int32_t frame) {
  const Frame::Clock& clock = ClockOf(frame);
  for (std::size_t q = 0; q < process_count_; ++q) now_[q] = std::max(now_[q], clock[q]);
}

void FootprintDpor::JoinLast(Process p) {
  const std::int32_t last = last_of_process_[static_cast<std::size_t>(p)];
  if (last != kNone) Join(last);
}

// What happens before the next step of `p` whatever it touches.
void FootprintDpor::ClockBefore(Process p) {
  std::fill_n(now_.begin(), process_count_, std::uint16_t{0});
  JoinLast(p);
  // An event comes where its CPU stands.
  if (p >= first_event_process_) JoinLast(p - first_event_process_);
}

// What a store buffer makes happen before the step of `frame`, which is over.
void FootprintDpor::JoinOfBuffer(Frame& frame) {
  const Process p = frame.process;
  if (IsBuffer(p)) {
    const std::int32_t last = last_of_process_[static_cast<std::size_t>(p)];
    const std::size_t drained = last == kNone ? 0 : frames_[static_cast<std::size_t>(last)].nth;
    Join(held_stores_[static_cast<std::size_t>(CpuOf(p))][drained]);
    return;
  }
  const Process buffer = FirstWay(p);
  const auto log = machine().log();
  for (std::size_t row = first_row_; row < log.size(); ++row) {
    const LogEntry& entry = log[row];
    if (entry.kind == StepKind::kRmw || entry.kind == StepKind::kFence ||
        entry.kind == StepKind::kMondoSend || entry.kind == StepKind::kMondoNack) {
      JoinLast(buffer);
    }
    if ((entry.flags & LogEntry::kHeld) != 0) frame.is_held_store = true;
  }
  if (!frame.is_held_store) return;
  const std::vector<std::int32_t>& stores = held_stores_[static_cast<std::size_t>(p)];
  if (stores.size() < buffer_entries_) return;
  const std::size_t made_room = stores.size() - buffer_entries_ + 1;
  std::int32_t drain = last_of_process_[static_cast<std::size_t>(buffer)];
  while (frames_[static_cast<std::size_t>(drain)].nth != made_room) {
    drain = frames_[static_cast<std::size_t>(drain)].before_of_process;
  }
  Join(drain);
}

// ---- races -------------------------------------------------------------------------------------------

// Those of the steps of frames below `end` with a step of `p` that touches this, and that now_ is about;
// afterwards now_ knows all that happens before it.
void FootprintDpor::FindRaces(Process p, const Footprint& touched, bool ends_wait,
                              std::int32_t end) {
  in_conflict_.clear();
  for (const Touch& touch : touched) {
    for (std::int32_t i = last_on_word_[touch.word]; i != kNone;) {
      const Access& access = accesses_[static_cast<std::size_t>(i)];
      // Words that everybody reads and hardly anybody writes are many.
      i = touch.writes == 0 ? access.write_before : access.before_on_word;
      if (!InConflict(access.touch, touch)) continue;
      if (!KnownBefore(access.frame)) in_conflict_.push_back(access.frame);
      // What came before a write of all these bytes happens before that.
      if (((touch.reads | touch.writes) & ~access.touch.writes) == 0) break;
    }
  }
  std::ranges::sort(in_conflict_, std::greater<>());
  for (const std::int32_t first : in_conflict_) {
    if (KnownBefore(first)) continue;
    if (!ends_wait || MightEndWithout(first, p, end)) TryBefore(first, p, end);
    Join(first);
  }
}

// Those with what others would have done if the steps of earlier frames had not changed it. now_ knows all that
// happens before this step of `p`.
void FootprintDpor::FindRacesOfUndone(Process p, const Footprint& touched, std::int32_t end) {
  for (const std::int32_t first : with_undone_) {
    if (KnownBefore(first)) continue;
    const std::vector<Touched>& undone = frames_[static_cast<std::size_t>(first)].undone;
    const auto in_conflict = [&touched](const Touched& t) { return InConflict(*t, touched); };
    if (std::ranges::any_of(undone, in_conflict)) TryBefore(first, p, end);
  }
}

// Somebody has to be tried before the step of frame `first`, so that the step of `p` comes before that.
void FootprintDpor::TryBefore(std::int32_t first, Process p, std::int32_t end) {
  Frame& f = frames_[static_cast<std::size_t>(first)];
  ProcessSet initials = InitialsAfter(*this, first, end, p);
  if (BeginsWithEvent(first, initials, end)) return;
  initials &= ~EventProcesses();
  const ProcessSet more = ToBeTried(initials, f.enabled, f.backtrack | f.asleep, p);
  if (more == 0) return;
  if (static_cast<std::size_t>(first) >= root_) {
    f.backtrack |= more;
    return;
  }
  // Who it will be is found out there: others may have asked meanwhile.
  const Subtrees::Wish wish{
      .depth = static_cast<std::uint32_t>(first), .process = p, .initials = initials};
  if (std::ranges::find(wishes_, wish) == wishes_.end()) wishes_.push_back(wish);
}

// Whether one of `initials` is an event, those of frame `end` among them. All that may come at the state of frame
// `first` are tried there, or sleep.
bool FootprintDpor::BeginsWithEvent(std::int32_t first, ProcessSet initials,
                                    std::int32_t end) const {
  const std::vector<OutsideEvent>& events = frames_[static_cast<std::size_t>(first)].events;
  for (ProcessSet rest = initials & EventProcesses(); rest != 0; rest &= rest - 1) {
    std::int32_t j = first + 1;
    while (j < end && (ProcessOf(j) != Lowest(rest) || HappensBefore(first, j))) ++j;
    if (std::ranges::find(events, frames_[static_cast<std::size_t>(j)].event) != events.end()) {
      return true;
    }
  }
  return false;
}

// Whether the wait of `p` might be over by the steps behind frame `first` alone, without that one's and what
// depends on it.
bool FootprintDpor::MightEndWithout(std::int32_t first, Process p, std::int32_t end) const {
  const Frame& f = frames_[static_cast<std::size_t>(first)];
  if ((f.waiting & Bit(p)) == 0 || last_of_process_[static_cast<std::size_t>(p)] > first) return true;
  // It waited already, and goes on waiting until somebody writes what it looked at.
  const Footprint& look = *f.looks[static_cast<std::size_t>(p)];
  for (std::int32_t j = first + 1; j < end; ++j) {
    if (!HappensBefore(first, j) && InConflict(look, *frames_[static_cast<std::size_t>(j)].touched)) {
      return true;
    }
  }
  return false;
}

// ---- states ------------------------------------------------------------------------------------------

Touched FootprintDpor::LookOf(int cpu) {
  watch_.Forget();
  watch_.AddLookForInterrupts(cpu);
  watch_.SeeAll();
  const bool is_over = machine().CanRun(cpu);
  MemoryWatch::Pause();
  SHOOTDOWN_CHECK(!is_over);
  return std::make_shared<const Footprint>(watch_.seen());
}

// `before`: the frame whose step led here; null: none.
void FootprintDpor::LookAtWaits(Frame& frame, const Frame* before) {
  frame.looks.resize(static_cast<std::size_t>(cpu_count()));
  for (int c = 0; c < cpu_count(); ++c) {
    if (machine().CanRun(c)) continue;
    frame.waiting |= Bit(c);
    Touched& look = frame.looks[static_cast<std::size_t>(c)];
    const bool waited = before != nullptr && (before->waiting & Bit(c)) != 0;
    const bool is_own = before != nullptr && CpuOfStep(*before) == c;
    if (waited && !is_own && !deferred_came_) {
      const Touched& look_before = before->looks[static_cast<std::size_t>(c)];
      if (!InConflict(*look_before, *before->touched)) {
        look = look_before;
        continue;
      }
    }
    look = LookOf(c);
    // Its own step looked too, and knows.
    if (before == nullptr || is_own) continue;
    if (options_.left_out == FootprintLeftOut::kWaits) continue;
    ClockBefore(c);
    FindRaces(c, *look, /*ends_wait=*/true, static_cast<std::int32_t>(depth_));
  }
}

void FootprintDpor::InheritSleepers(Frame& frame, const Frame& before) const {
  for (const Frame::Sleeper& sleeper : before.sleepers) {
    if (sleeper.process == before.process && sleeper.event == before.event) continue;
    if (options_.left_out != FootprintLeftOut::kWakeUps &&
        InConflict(*sleeper.touched, *before.touched)) {
      continue;
    }
    frame.sleepers.push_back(sleeper);
    if (!sleeper.event) frame.asleep |= Bit(sleeper.process);
  }
}

// All that may come to each CPU: nothing is left out but delays that change nothing by themselves.
void FootprintDpor::ListEvents(Frame& frame) {
  sim::Machine& m = subject_.machine();
  std::vector<OutsideEvent> awake;
  const auto add = [&](int cpu, Move::Kind kind, int arg) {
    const OutsideEvent event{.process = static_cast<std::uint8_t>(first_event_process_ + cpu),
                             .cpu = static_cast<std::uint8_t>(cpu),
                             .kind = kind,
                             .arg = static_cast<std::uint8_t>(arg)};
    const bool sleeps = std::ranges::find(frame.sleepers, event, &Frame::Sleeper::event) !=
                        frame.sleepers.end();
    (sleeps ? frame.events : awake).push_back(event);
  };
  const bool one_more = frame.event_count + 1 < options_.events;
  for (int c = 0; c < cpu_count(); ++c) {
    if (!HasStep(c) || !m.CanRun(c)) continue;
    if (m.takes_softints()) {
      if (!m.SoftintPending(c, sim::kPilReschedule)) add(c, Move::Kind::kResched, 0);
      if (!m.InterruptsDeferred(c) && (InterruptMayCome(c) || one_more)) {
        for (int steps = 1; steps <= kDeferredStepsMax; ++steps) add(c, Move::Kind::kDefer, steps);
      }
    }
    if (m.takes_nmis()) add(c, Move::Kind::kNmi, 0);
    const sim::Tlb tlb = m.tlb(c);
    for (int i = 0; i < tlb.entry_count(); ++i) {
      if (tlb.entry(i).valid) add(c, Move::Kind::kEvict, i);
    }
    for (int page = 0; page < m.walk_page_count(); ++page) {
      if (m.CanWalk(c, VirtPage(static_cast<std::uint8_t>(page)))) add(c, Move::Kind::kWalk, page);
    }
  }
  frame.events_begun = static_cast<std::uint32_t>(frame.events.size());
  frame.events.insert(frame.events.end(), awake.begin(), awake.end());
}

void FootprintDpor::OpenFrame() {
  if (frame_count_ == frames_.size()) frames_.emplace_back();
  Frame& f = frames_[frame_count_++];
  f = Frame{.enabled = Enabled()};
  const Frame* const before = depth_ == 0 ? nullptr : &frames_[depth_ - 1];
  if (before != nullptr) InheritSleepers(f, *before);
  LookAtWaits(f, before);
  if (before != nullptr) f.event_count = before->event_count + (before->event ? 1 : 0);
  if (f.event_count < options_.events) ListEvents(f);
}

// ---- steps -------------------------------------------------------------------------------------------

void FootprintDpor::BeginStep(Frame& frame) {
  in_step_ = true;
  deferred_came_ = false;
  first_row_ = machine().log().size();
  watch_.Forget();
  const Process cpu = CpuOfStep(frame);
  if (cpu == kNobody) return;
  had_step_ = HasStep(cpu);
  if (options_.left_out != FootprintLeftOut::kInterrupts) watch_.AddLookForInterrupts(cpu);
  if (frame.event) {
    BeginEvent(*frame.event);
    return;
  }
  frame.ends_wait = pending(cpu).blocked;
  watch_.AddThread(cpu);
}

// What it needs to be able to come is touched, too.
void FootprintDpor::BeginEvent(const OutsideEvent& event) {
  watch_.AddHasStep(event.cpu, /*is_write=*/false);
  if (pending(event.cpu).blocked) {  // an await, as long as its word is ready
    watch_.SeeAll();
    const bool is_over = machine().CanRun(event.cpu);
    MemoryWatch::Pause();
    SHOOTDOWN_CHECK(is_over);
  }
  // An eviction and a walk are hardware's; what else comes is between two steps of the thread.
  const bool interrupts = event.kind != Move::Kind::kEvict && event.kind != Move::Kind::kWalk;
  if (interrupts || machine().InterruptDue(event.cpu)) watch_.AddThread(event.cpu);
}

// Whether a store in the step that `frame` has taken could reach memory in that step, and makes a difference
// there. That depends on what is held before it.
void FootprintDpor::LookAtStore(Frame& frame) {
  const auto log = machine().log();
  for (std::size_t row = first_row_; row < log.size(); ++row) {
    if ((log[row].flags & LogEntry::kHeld) == 0) continue;
    const auto& seen = watch_.seen();
    if (std::ranges::find(seen, log[row].word, &Touch::word) == seen.end()) continue;
    watch_.AddBuffer(frame.process, /*is_write=*/false);
    frame.looks_at_store = machine().BufferedCount(frame.process) == 1;
  }
  if (frame.at_once) watch_.AddBuffer(frame.process, /*is_write=*/false);
}

// Of the last frame, when the next choice is made.
void FootprintDpor::EndStep() {
  in_step_ = false;
  Frame& f = frames_[depth_ - 1];
  const Process p = f.process;
  f.is_held_store = false;
  f.looks_at_store = false;
  if (IsBuffer(p)) {
    watch_.AddBuffer(CpuOf(p), /*is_write=*/true);
  } else if (!f.event) {
    watch_.AddThread(p);
    if (buffers() && options_.left_out != FootprintLeftOut::kAtOnce) LookAtStore(f);
  }
  if (const Process cpu = CpuOfStep(f);
      cpu != kNobody && had_step_ != HasStep(cpu) && options_.left_out != FootprintLeftOut::kLastSteps) {
    watch_.AddHasStep(cpu, /*is_write=*/true);
  }
  Footprint touched = watch_.seen();
  if (options_.left_out == FootprintLeftOut::kReads) {
    for (Touch& touch : touched) touch.reads = 0;
  }
  f.touched = std::make_shared<const Footprint>(std::move(touched));
  ClockBefore(p);
  if (buffers() && !f.event) JoinOfBuffer(f);
  FindRaces(p, *f.touched, f.ends_wait, static_cast<std::int32_t>(depth_ - 1));
  FindRacesOfUndone(p, *f.touched, static_cast<std::int32_t>(depth_ - 1));
  std::copy_n(now_.begin(), process_count_, f.clock.begin());
  Record(depth_ - 1);
  f.clock[static_cast<std::size_t>(p)] = static_cast<std::uint16_t>(f.nth);
}

// What later steps have to know of the step from there, which is over.
void FootprintDpor::Record(std::size_t depth) {
  Frame& frame = frames_[depth];
  const auto here = static_cast<std::int32_t>(depth);
  std::int32_t& last = last_of_process_[static_cast<std::size_t>(frame.process)];
  frame.before_of_process = last;
  frame.nth = last == kNone ? 1 : frames_[static_cast<std::size_t>(last)].nth + 1;
  last = here;
  if (frame.is_held_store) held_stores_[static_cast<std::size_t>(frame.process)].push_back(here);
  frame.access_count = accesses_.size();
  for (const Touch& touch : *frame.touched) {
    std::int32_t& on_word = last_on_word_[touch.word];
    std::int32_t write = on_word;
    if (write != kNone && accesses_[static_cast<std::size_t>(write)].touch.writes == 0) {
      write = accesses_[static_cast<std::size_t>(write)].write_before;
    }
    accesses_.push_back(
        {.touch = touch, .frame = here, .before_on_word = on_word, .write_before = write});
    on_word = static_cast<std::int32_t>(accesses_.size()) - 1;
  }
  RecordUndone(frame);
  if (!frame.undone.empty()) with_undone_.push_back(here);
}

void FootprintDpor::RecordUndone(Frame& frame) const {
  frame.undone.clear();
  const auto add = [&frame](const Touched& touched) {
    if (InConflict(*touched, *frame.touched)) frame.undone.push_back(touched);
  };
  if (options_.left_out != FootprintLeftOut::kUndoneSteps) {
    for (const Frame::Sleeper& sleeper : frame.sleepers) add(sleeper.touched);
  }
  if (options_.left_out != FootprintLeftOut::kUndoneLooks) {
    for (const Touched& look : frame.looks) {
      if (look != nullptr) add(look);
    }
  }
}

// Drains first, then on with the CPU that runs: near the default order.
Process FootprintDpor::FirstChoice(const Frame& frame) const {
  const ProcessSet awake = frame.enabled & ~frame.asleep;
  const ProcessSet drains = buffers() ? awake & WaysOf(current_cpu()) : 0;
  if (drains != 0) return Lowest(drains);
  return (awake & Bit(current_cpu())) != 0 ? current_cpu() : Lowest(awake);
}

Process FootprintDpor::Take(const Frame& frame) {
  ++depth_;
  if (frame.at_once) StoreAtOnce();
  if (!frame.event) return frame.process;
  MeetFirst({.kind = frame.event->kind, .arg = frame.event->arg});
  return frame.event->cpu;
}

// Nobody can take a step, unless an interrupt was deferred and comes now.
Process FootprintDpor::WaitForDeferred() {
  deferred_came_ = true;
  return kNobody;
}

Process FootprintDpor::Choose() {
  if (in_step_) EndStep();
  if (KeepsPlace()) KeepPlace();
  if (options_.events != 0 && depth_ < frame_count_ && Enabled() == 0) return WaitForDeferred();
  if (depth_ < replayed_) return Take(frames_[depth_]);
  if (depth_ == frame_count_) {
    OpenFrame();
    Frame& f = frames_[depth_];
    if ((f.enabled & ~f.asleep) != 0) {
      f.process = FirstChoice(f);
      f.backtrack |= Bit(f.process);
    } else if (!f.NextEvent()) {
      gave_up_ = f.enabled != 0;
      --frame_count_;
      return gave_up_ ? kCut : WaitForDeferred();
    }
  }
  BeginStep(frames_[depth_]);
  return Take(frames_[depth_]);
}

// The search's own looks at memory are nobody's.
sim::Move FootprintDpor::Pick(const sim::Question& question) {
  MemoryWatch::Pause();
  const sim::Move move = PickBy([this] { return Choose(); }, question);
  if (!in_step_) return move;
  // Nor are those of the CPU that is left for the one that takes the step.
  const Process cpu = CpuOfStep(frames_[depth_ - 1]);
  if (cpu == kNobody) {
    watch_.SeeAll();
  } else {
    watch_.See(cpu);
  }
  return move;
}

// ---- the walk ----------------------------------------------------------------------------------------

// Where a run leaves the one before it: the next ones will leave it there too, or later.
bool FootprintDpor::KeepsPlace() const {
  if (depth_ != replayed_ || frame_count_ == 0 || !machine().CanKeepCheckpoints()) return false;
  return places_.empty() || places_.depth() < depth_;
}

void FootprintDpor::KeepPlace() {
  Place& place = places_.Push();
  place.depth = depth_;
  Keep(place.standing);
  subject_.machine().KeepCheckpoint(place.machine, places_.BeforeLast());
}

void FootprintDpor::ResumeFromPlace() {
  in_step_ = false;
  deferred_came_ = false;
  places_.DropFrom(replayed_ + 1);
  if (places_.empty()) return;
  const Place& place = places_.last();
  depth_ = place.depth;
  gave_up_ = false;
  GoBackTo(place.standing);
  subject_.machine().ResumeFrom(place.machine);
}

void FootprintDpor::Undo(const Frame& frame) {
  last_of_process_[static_cast<std::size_t>(frame.process)] = frame.before_of_process;
  if (frame.is_held_store) held_stores_[static_cast<std::size_t>(frame.process)].pop_back();
  if (!frame.undone.empty()) with_undone_.pop_back();
  for (; accesses_.size() > frame.access_count; accesses_.pop_back()) {
    last_on_word_[accesses_.back().touch.word] = accesses_.back().before_on_word;
  }
}

bool FootprintDpor::Backtrack() {
  for (; frame_count_ != root_; --frame_count_) {
    Frame& f = frames_[frame_count_ - 1];
    Undo(f);
    if (!f.Next()) continue;
    replayed_ = frame_count_ - 1;
    return true;
  }
  return false;
}

}  // namespace shootdown::explore
