// The functions of Machine that guest code calls at each step, inline. Included by machine.h alone, at
// its end: it includes nothing, or the two would make a cycle.
#ifndef SHOOTDOWN_FUZZ_SIM_MACHINE_FAST_PATH_H_
#define SHOOTDOWN_FUZZ_SIM_MACHINE_FAST_PATH_H_

namespace shootdown::sim {

inline LogEntry& Machine::Begin(const Site& site, StepKind kind, WordIndex word) {
  if (--hot_.until == 0) [[unlikely]] Ask(site, kind, word, {});
  return Append(site, kind, word);
}

inline LogEntry& Machine::Append(const Site& site, StepKind kind, WordIndex word) {
  LogEntry& entry = log_[hot_.row++];
  entry.site = &site;
  entry.word = word;
  entry.index = static_cast<std::uint16_t>((*hot_.index)++);
  entry.link = kNoRow;
  entry.kind = kind;
  entry.cpu = hot_.cpu;
  entry.actor = hot_.actor;
  entry.flags = 0;
  return entry;
}

// For steps that find the store buffer empty: whatever it holds reaches memory just before them.
inline LogEntry& Machine::BeginDrained(const Site& site, StepKind kind, WordIndex word) {
  if (--hot_.until == 0) [[unlikely]] Ask(site, kind, word, {.empties_buffer = true});
  if (hot_.through_buffer) [[unlikely]] DrainAll(hot_.cpu);
  return Append(site, kind, word);
}

inline void Machine::NoteRead(WordIndex word, Row row) { NoteReadBy(hot_.cpu, word, row); }

inline void Machine::NoteReadBy(int cpu, WordIndex word, Row row) {
  Shadow& shadow = shadow_[word];
  if (shadow.write >= base_) {
    if (shadow.write == kPoisoned) [[unlikely]] {
      Poisoned(*log_[row].site, word);
      return;
    }
    if (log_[shadow.write - base_].cpu != cpu) NoteConflict(shadow.write - base_, row);
  }
  shadow.read = base_ + row;
}

inline void Machine::NoteWrite(WordIndex word, Row row) {
  Shadow& shadow = shadow_[word];
  if (shadow.write >= base_) {
    if (shadow.write == kPoisoned) [[unlikely]] {
      Poisoned(*log_[row].site, word);
      return;
    }
    if (log_[shadow.write - base_].cpu != log_[row].cpu) NoteConflict(shadow.write - base_, row);
  }
  if (shadow.read >= base_ && log_[shadow.read - base_].cpu != log_[row].cpu) {
    NoteConflict(shadow.read - base_, row);
  }
  shadow.write = base_ + row;
}

inline void Machine::NoteConflict(Row first, Row second) {
  if (conflict_count_ < kConflictCountMax) conflicts_[conflict_count_++] = {first, second};
}

// Loads and stores leave for the slow path by a tail call, so that the fast one needs no frame.
inline std::uint64_t Machine::Load(const Site& site, const std::uint64_t* word) {
  if (hot_.until == 1 || hot_.through_buffer) [[unlikely]] return LoadSlowly(site, word);
  --hot_.until;
  const WordIndex w = Arena::IndexOf(word);
  const std::uint64_t value = *word;
  const Row row = hot_.row;
  Append(site, StepKind::kLoad, w).value = value;
  NoteRead(w, row);
  return value;
}

inline void Machine::Store(const Site& site, std::uint64_t* word, std::uint64_t value) {
  if (hot_.until == 1 || hot_.through_buffer) [[unlikely]] {
    StoreSlowly(site, word, value);
    return;
  }
  --hot_.until;
  const WordIndex w = Arena::IndexOf(word);
  const Row row = hot_.row;
  Append(site, StepKind::kStore, w).value = value;
  *word = value;
  NoteWrite(w, row);
}

template <class F>
std::uint64_t Machine::Rmw(const Site& site, std::uint64_t* word, F f) {
  return FinishRmw(BeginDrained(site, StepKind::kRmw, Arena::IndexOf(word)), word, f);
}

template <class F>
std::uint64_t Machine::FinishRmw(LogEntry& entry, std::uint64_t* word, const F& f) {
  const std::uint64_t old = *word;
  const std::uint64_t now = f(old);
  entry.value = now;
  if (now == old) entry.flags = LogEntry::kUnchanged;
  const Row row = static_cast<Row>(&entry - log_.get());
  NoteWrite(entry.word, row);
  shadow_[entry.word].read = base_ + row;
  *word = now;
  return old;
}

inline std::uint64_t Machine::PeekOwn(const std::uint64_t* word) {
  const std::uint64_t value = hot_.through_buffer ? PeekAs(hot_.cpu, word) : *word;
  NoteLookOf(hot_.cpu, word);
  MarkMemory(MemoryMark::Kind::kLearn, value);
  return value;
}

inline std::uint64_t Machine::PeekAs(int cpu, const std::uint64_t* word) const {
  if (cpus_[cpu].buffer_count == 0) return *word;
  const Held* const held = Forward(cpu, word, kNoRow);
  // Who watches accesses sees one of this word, whatever serves it.
  const std::uint64_t in_memory = *static_cast<const volatile std::uint64_t*>(word);
  return held != nullptr ? held->value : in_memory;
}

inline void Machine::Action(const Site& site, StepKind kind, std::uint64_t value, WordIndex word) {
  Begin(site, kind, word).value = value;
}

template <class Pred>
void Machine::WaitUntil(const Site& site, WaitKind kind, const Pred& pred) {
  if (!pred()) {
    Block({.pred = [](const void* p) { return (*static_cast<const Pred*>(p))(); },
           .argument = &pred,
           .site = &site,
           .kind = kind});
  }
  rings_[hot_.cpu].barriers.waited = hot_.row;
  MarkBehind(site.hash);
}

// Comes back when the step is to be taken at once. A scheduler that is asked may let others run first, and
// they may undo what was ready: so it shows as a wait in the meantime.
template <class Ready>
void Machine::BeginWhen(const Site& site, StepKind kind, const std::uint64_t* word,
                        const Ready& ready) {
  const int cpu = hot_.cpu;
  const auto pred = [this, cpu, word, &ready] {
    NoteLookOf(cpu, word);
    return ready(PeekAs(cpu, word));
  };
  using Pred = decltype(pred);
  const Wait wait = {.pred = [](const void* p) { return (*static_cast<Pred*>(p))(); },
                     .argument = &pred,
                     .site = &site,
                     .kind = WaitKind::kBlocked,
                     .await = {.kind = kind,
                               .word = Arena::IndexOf(word),
                               .ready = [](const void* p, std::uint64_t value) {
                                 return (*static_cast<const Ready*>(p))(value);
                               },
                               .argument = &ready}};
  for (;;) {
    if (!pred()) Block(wait);
    if (--hot_.until != 0) return;
    waits_[hot_.cpu] = &wait;
    Ask(site, kind, wait.await.word, {.empties_buffer = kind == StepKind::kRmw});
    waits_[hot_.cpu] = nullptr;
    if (pred()) return;
    RefreshUntil(*hot_.index);
  }
}

template <class Ready>
std::uint64_t Machine::LoadWhen(const Site& site, const std::uint64_t* word, const Ready& ready) {
  BeginWhen(site, StepKind::kLoad, word, ready);
  if (hot_.through_buffer) ForceOutForLoad();
  LogEntry& entry = Append(site, StepKind::kLoad, Arena::IndexOf(word));
  if (hot_.through_buffer) return LoadThroughBuffer(entry, word);
  entry.value = *word;
  NoteRead(entry.word, hot_.row - 1);
  return *word;
}

template <class F>
std::uint64_t Machine::RmwUnordered(const Site& site, std::uint64_t* word, const F& f) {
  if (!weak()) return Rmw(site, word, f);
  const WordIndex w = Arena::IndexOf(word);
  if (--hot_.until == 0) Ask(site, StepKind::kRmw, w, {});
  if (hot_.through_buffer) ForceOutForRmw(word);
  LogEntry& entry = Append(site, StepKind::kRmw, w);
  const std::uint64_t old = FinishRmw(entry, word, f);
  entry.flags = static_cast<std::uint8_t>(entry.flags | LogEntry::kUnordered);
  return old;
}

template <class Ready, class F>
std::uint64_t Machine::RmwWhen(const Site& site, std::uint64_t* word, const Ready& ready,
                               const F& f) {
  BeginWhen(site, StepKind::kRmw, word, ready);
  if (hot_.through_buffer) DrainAll(hot_.cpu);
  return FinishRmw(Append(site, StepKind::kRmw, Arena::IndexOf(word)), word, f);
}

// ---- for who switches CPUs --------------------------------------------------------------------------

inline void Machine::EnterCpu(int cpu) {
  hot_.cpu = static_cast<std::uint8_t>(cpu);
  hot_.actor = cpus_[cpu].actor;
  hot_.index = &index_[IndexSlot(hot_.actor)];
  hot_.through_buffer = cpus_[cpu].buffer_count != 0;
  hot_.hold_next = false;
}

// To be switched to, in this run.
inline void Machine::MakeReady(std::uint16_t thread) {
  if (FiberOf(thread).context == nullptr) StartFiber(thread);
}

// ---- asked at each question -------------------------------------------------------------------------

inline bool Machine::WaitsBlocked(int cpu) const {
  return Waiting(cpu) && waits_[static_cast<std::size_t>(cpu)]->kind == WaitKind::kBlocked;
}

inline const Await* Machine::Awaited(int cpu) const {
  const Wait* const wait = waits_[static_cast<std::size_t>(cpu)];
  return wait == nullptr || wait->await.word == kNoWord ? nullptr : &wait->await;
}

inline bool Machine::IsDone(int cpu) const {
  const Wait* const wait = waits_[static_cast<std::size_t>(cpu)];
  return wait != nullptr && wait->site == &kNoMoreToDo && !takes_interrupts();
}

inline bool Machine::InterruptWaits(int cpu) const {
  const Cpu& c = cpus_[cpu];
  return c.mondo_count != 0 || c.softint != 0 || c.interrupt_depth != 0;
}

// A non-maskable interrupt is of level 15: PIL 14 lets it through, another one's handler does not.
inline bool Machine::NmiDeliverable(const Cpu& cpu) {
  return cpu.nmi_pending != 0 && cpu.pil < 15;
}

inline bool Machine::MondoDeliverable(const Cpu& cpu) {
  return cpu.mondo_count != 0 && cpu.defer_mondo_until == 0;
}

inline bool Machine::Deliverable(int cpu) const {
  const Cpu& c = cpus_[cpu];
  if ((c.nmi_pending | c.mondo_count | c.softint) == 0 || c.ie == 0) return false;
  if (NmiDeliverable(c) || MondoDeliverable(c)) return true;
  return c.defer_until == 0 && c.pil < 15 && (c.softint >> (c.pil + 1)) != 0;
}

inline bool Machine::CanRun(int cpu) const {
  const Wait* const wait = waits_[static_cast<std::size_t>(cpu)];
  if (wait == nullptr) return cpus_[cpu].has_thread != 0;
  return Deliverable(cpu) || wait->pred(wait->argument);
}

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_MACHINE_FAST_PATH_H_
