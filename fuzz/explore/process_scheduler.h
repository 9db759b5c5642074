// The scheduler's seam as a systematic search wants it: at each point somebody of a small set of processes
// takes the next step. A CPU is a process; so is each way out of a store buffer, whose step is that what
// stands there leaves, and every store is held, so that each leaves at a moment of its own. Under TSO a
// buffer has one way out, for the oldest; under PSO and RMO one for each place in it, or for each word that
// is stored to. Under RMO a CPU whose next step is a load is several processes: one for each value that the
// load may give; and loads that may be late are held too.
//
// The end of a wait which is no step of its own (Machine::WaitUntil) is a choice like a step. The wait's
// beginning is not: it looks for the first time together with the step before it.
//
// A CPU's beginning, as far as to its first step, is a choice too where interrupts may come before it. All
// other CPUs begin before the first choice is made: those of programs, whose threads share nothing but by
// steps, and idle ones, which wait first of all.
//
// A step that finds the buffer empty (RMW, fence, cross call), or rid of something, cannot be taken before
// it is. What comes from outside (an interrupt, an eviction, a walk) comes before a CPU's step, where a search
// wants it.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_PROCESS_SCHEDULER_H_
#define SHOOTDOWN_FUZZ_EXPLORE_PROCESS_SCHEDULER_H_

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "fuzz/base/check.h"
#include "fuzz/sim/machine.h"
#include "fuzz/sim/no_more_to_do.h"
#include "fuzz/sim/scheduler.h"

namespace shootdown::explore {

// CPU c is process c. After the CPUs come the ways out of buffers, as many for each CPU, and after those
// the older values that a CPU's load may give.
using Process = int;
// A set of processes, a bit each. So there are at most 64: 64 CPUs under SC, 32 under TSO.
using ProcessSet = std::uint64_t;
inline constexpr int kProcessCountMax = 64;
constexpr ProcessSet Bit(Process p) { return ProcessSet{1} << p; }
constexpr Process Lowest(ProcessSet set) { return std::countr_zero(set); }

// How many values older than the current one of a word are told apart. More are not tried, and the search
// is then not complete.
inline constexpr int kOldValueCountMax = 7;

// Interrupts from outside are deferred for 1 to so many steps.
inline constexpr int kDeferredStepsMax = 8;

// What the ways out of a store buffer are, under PSO and RMO. By place there are few, and what one stands
// for changes when others leave; by word each is the same for the whole search, as reduction needs it.
enum class WaysOut : std::uint8_t { kByPlace, kByWord };

// How many processes a machine of this shape has.
[[nodiscard]] int ProcessCount(const sim::MachineConfig& config,
                               WaysOut ways_out = WaysOut::kByPlace);
// Ends this process, and says why, if they are more than kProcessCountMax. A search asks when it is made.
void RequireProcesses(const sim::MachineConfig& config, WaysOut ways_out = WaysOut::kByPlace);

class ProcessScheduler : public sim::Scheduler {
 public:
  explicit ProcessScheduler(WaysOut ways_out = WaysOut::kByPlace) : ways_out_(ways_out) {}
  void StartRun(const sim::Machine& machine) final;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;
  [[nodiscard]] std::uint32_t NextQuestion(ActorId actor, std::uint32_t index) final;

 protected:
  static constexpr Process kNobody = -1;  // the run is over: nobody can take a step
  static constexpr Process kCut = -2;     // the run is of no more interest

  // What a CPU does next, as far as that is known before it does it.
  struct Pending {
    const sim::Site* site = nullptr;
    sim::WordIndex word = sim::kNoWord;
    sim::StepKind kind = sim::StepKind::kAction;
    bool empties_buffer = false;
    std::uint16_t actor = 0;
    bool blocked = false;  // it cannot, at the moment at which it was last asked
    sim::MembarMask membar = 0;
    bool may_wait = false;
    std::uint32_t index = 0;  // of the actor's step
  };

  // A run's beginning: from its start, not from a checkpoint.
  virtual void NewRun() = 0;
  // Who takes the next step: one of Enabled(), or kNobody if there is none, or kCut.
  [[nodiscard]] virtual Process Choose() = 0;
  // Pick, for a search that wants its own Choose() within it: each function less on the way to
  // guest code is one less to return from where no return is foreseen (fuzz/sim/fiber.h). `choose`
  // does what Choose() does.
  template <class Chooser>
  [[nodiscard]] sim::Move PickBy(const Chooser& choose, const sim::Question& question);
  // Within Choose(): the CPU that is chosen meets `event` where it stands, before its step, and
  // then there is another choice. REQUIRES: it is no store buffer, and HasStep(cpu).
  void MeetFirst(sim::Move event) { event_ = event; }
  // The CPU would be asked about its step. An await that had to wait and is over is one.
  [[nodiscard]] bool HasStep(int cpu) const {
    return !pending(cpu).blocked ||
           (machine().Awaited(cpu) != nullptr && !machine().InterruptDue(cpu));
  }
  // To defer an interrupt changes something only if one comes before the delay is over. A delay that
  // begins earlier, with as many steps more, is the same.
  [[nodiscard]] bool InterruptMayCome(int cpu) const;
  // Within Choose(): the CPU that is chosen takes a store as its step, and has nothing in its
  // buffer that must leave before. The store reaches memory in the same step. A drain right after it comes to the same
  // memory, but judges that hear of the store may look at memory in between.
  void StoreAtOnce() { at_once_ = true; }
  // Within Choose(): the CPU that is chosen takes so many steps more without another question. They are not
  // to be held, and it can take them.
  void GoOnUnasked(std::uint32_t steps) { steps_unasked_ = steps; }

  // From now on Choose() is also called where a CPU has to wait; else only where somebody has a step to
  // take, if anybody has. Under SC alone, where it does not matter which CPU is the one that looks when
  // a choice is made; under other models nothing changes.
  void ChooseWhereItWaits() { chooses_where_it_waits_ = true; }
  // Under all models; and a drain ends no wait by itself: who waited goes on by a choice.
  void ChooseEverywhere() { chooses_everywhere_ = true; }

  // What this class knows of a run, for a checkpoint that is kept at the beginning of Choose().
  struct Standing {
    int current = 0;
    std::vector<Pending> pending;
    ActorId unasked_actor;
    std::uint32_t ask_at = 0;
  };
  void Keep(Standing& standing) const;
  void GoBackTo(const Standing& standing);

  [[nodiscard]] const sim::Machine& machine() const { return *machine_; }
  [[nodiscard]] int cpu_count() const { return cpu_count_; }
  [[nodiscard]] int process_count() const { return first_old_ + cpu_count_ * old_count_; }
  [[nodiscard]] bool buffers() const { return way_count_ != 0; }
  // Under PSO and RMO: more than the oldest may leave.
  [[nodiscard]] bool weak() const { return weak_; }
  // There was more to try than processes could be told apart.
  [[nodiscard]] bool too_many() const { return too_many_; }
  [[nodiscard]] int current_cpu() const { return current_; }
  [[nodiscard]] bool IsBuffer(Process p) const { return p >= cpu_count_ && p < first_old_; }
  [[nodiscard]] bool IsOld(Process p) const { return p >= first_old_; }
  [[nodiscard]] Process FirstWay(int cpu) const { return cpu_count_ + cpu * way_count_; }
  [[nodiscard]] int way_count() const { return way_count_; }
  // All ways out of a CPU's buffer.
  [[nodiscard]] ProcessSet WaysOf(int cpu) const { return InARow(FirstWay(cpu), way_count_); }
  // What CPU `cpu` may do: its steps, with all values that a load may give.
  [[nodiscard]] ProcessSet StepsOf(int cpu) const {
    return Bit(cpu) | InARow(FirstOld(cpu), old_count_);
  }
  // The way by which what is stored to `word` leaves the buffer; kNobody if there are too many. Only by word.
  [[nodiscard]] Process WayOf(int cpu, sim::WordIndex word);
  [[nodiscard]] int CpuOf(Process p) const {
    if (p < cpu_count_) return p;
    return p < first_old_ ? (p - cpu_count_) / way_count_ : (p - first_old_) / old_count_;
  }
  // Where in the buffer stands what leaves by way `p` next; its size if nothing does.
  [[nodiscard]] int PlaceOf(Process p) const;
  [[nodiscard]] const Pending& pending(int cpu) const {
    return pending_[static_cast<std::size_t>(cpu)];
  }
  [[nodiscard]] ProcessSet Enabled() {
    if (buffers()) return EnabledWithBuffers();
    ProcessSet enabled = 0;
    for (int c = 0; c < cpu_count_; ++c) enabled |= ProcessSet{machine_->CanRun(c)} << c;
    return enabled;
  }
  // Where each CPU stands, as words: what it does next, and whose wait is looked at. An await that was
  // not ready when it was last looked at is the same as one that is asked about, since memory says
  // whether it is ready; but it meets no event, so with events the two are told apart.
  template <class Add>
  void DescribeNext(bool events, const Add& add) const {
    for (int c = 0; c < cpu_count_; ++c) {
      const Pending& next = pending(c);
      add(std::uint64_t{next.site->hash} << 32 | next.word);
      add(static_cast<std::uint64_t>(next.kind) << 16 | (next.actor & 0xffu) << 8 |
          static_cast<std::uint64_t>(next.actor >> 8) << 32 |
          (next.blocked && (events || machine_->Awaited(c) == nullptr) ? 1 : 0));
    }
    add(DrainWakesCurrent(events) ? static_cast<std::uint64_t>(current_) + 1 : 0);
  }

 private:
  // `count` processes from `first` on. If there are none, `first` may be kProcessCountMax, and has no bit.
  [[nodiscard]] static ProcessSet InARow(Process first, int count) {
    return count == 0 ? 0 : ((ProcessSet{1} << count) - 1) << first;
  }
  [[nodiscard]] static sim::Move RunOn(int cpu) {
    return {.kind = sim::Move::Kind::kRun, .cpu = static_cast<std::uint8_t>(cpu)};
  }
  [[nodiscard]] ProcessSet EnabledWithBuffers();
  void ForgetChoice();
  void NoteNext(const sim::Question& question);
  [[nodiscard]] bool BeginsByChoice(int cpu) const;
  [[nodiscard]] int NextToEnter();
  [[nodiscard]] int FirstWithStep() const;
  [[nodiscard]] sim::Move GoOn(const sim::Question& question);
  void TakeStep(ActorId actor, std::uint32_t index);
  [[nodiscard]] bool IsPlainStep(int cpu) const;
  // A drain may end the wait of the CPU that is looking, and then it goes on to its next step at once; who
  // waits elsewhere goes on by a choice. So states with another CPU looking go on in another way. Not so if
  // the wait is an await's: once it is ready it is asked about, or goes to where it is (Pick), which is one
  // state. Nor if the thread has come to its end, since no drain ends that.
  // With events an await that waits is another state than one that is asked about, and a deferred interrupt
  // may come to the CPU that is looking: so there it always matters.
  [[nodiscard]] bool DrainWakesCurrent(bool events) const {
    const Pending& next = pending(current_);
    return next.blocked &&
           (events || (machine_->Awaited(current_) == nullptr && next.site != &sim::kNoMoreToDo));
  }
  [[nodiscard]] bool CanStep(int cpu) const;
  [[nodiscard]] int OldValues(int cpu);
  [[nodiscard]] Process FirstOld(int cpu) const { return first_old_ + cpu * old_count_; }

  const sim::Machine* machine_ = nullptr;
  WaysOut ways_out_;
  int cpu_count_ = 0;
  int way_count_ = 0;   // for each CPU
  int old_count_ = 0;   // for each CPU
  int first_old_ = 0;
  bool weak_ = false;
  bool too_many_ = false;
  bool chooses_where_it_waits_ = false;
  bool chooses_everywhere_ = false;
  std::array<std::vector<sim::WordIndex>, kProcessCountMax> words_;  // by word: that of each way
  int current_ = 0;
  int started_ = 0;          // CPUs below have begun, or do so by a choice
  Process chosen_ = kNobody;  // a CPU that is to take the next step
  bool wakes_ = false;        // it was chosen for the end of its wait, or to begin: which is no step
  bool at_once_ = false;      // it is not held
  bool settled_ = false;      // and that it is held, or which value it gives, was said
  std::optional<sim::Move> event_;  // what it meets instead of taking a step
  std::uint32_t steps_unasked_ = 0;  // more than the one for which it was chosen
  ActorId unasked_actor_;      // who needs no question before
  std::uint32_t ask_at_ = 0;   // this step of its own
  std::array<Pending, kProcessCountMax> pending_;
};

// ---- at each question ------------------------------------------------------------------------

inline void ProcessScheduler::NoteNext(const sim::Question& question) {
  const int cpu = question.cpu.value();
  current_ = cpu;
  Pending& next = pending_[static_cast<std::size_t>(cpu)];
  next = {.site = &question.site,
          .word = question.word,
          .kind = question.kind,
          .empties_buffer = question.empties_buffer,
          .actor = question.actor.code(),
          .blocked = question.blocked,
          .membar = question.membar,
          .may_wait = question.may_wait,
          .index = question.index};
  if (!question.blocked) return;
  if (const sim::Await* const await = machine_->Awaited(cpu); await != nullptr) {
    next.kind = await->kind;
    next.empties_buffer = await->kind == sim::StepKind::kRmw;
  }
}

inline void ProcessScheduler::TakeStep(ActorId actor, std::uint32_t index) {
  chosen_ = kNobody;
  unasked_actor_ = actor;
  ask_at_ = index + 1 + steps_unasked_;
}

// Chosen where another CPU is asked: there is nothing more to say about its step, and it meets
// nothing before.
inline bool ProcessScheduler::IsPlainStep(int cpu) const {
  const Pending& next = pending(cpu);
  return !next.blocked && !next.may_wait && !wakes_ && !event_ &&
         machine_->BufferedCount(cpu) == 0 && !machine_->InterruptsDeferred(cpu) &&
         !machine_->InterruptDue(cpu);
}

// What the CPU that is asked does, which was chosen: it meets an event; or says which value its
// step gives, or that it is held; or takes the step.
inline sim::Move ProcessScheduler::GoOn(const sim::Question& question) {
  if (event_ && !question.blocked) [[unlikely]] {
    chosen_ = kNobody;
    const sim::Move event = *event_;
    event_.reset();
    return event;
  }
  SHOOTDOWN_CHECK(!question.blocked);  // who cannot go on is not enabled
  if (!settled_ && !at_once_ && (question.may_wait || IsOld(chosen_))) {
    settled_ = true;
    if (!IsOld(chosen_)) return {.kind = sim::Move::Kind::kHold};
    return {.kind = sim::Move::Kind::kOld,
            .arg = static_cast<std::uint8_t>(1 + chosen_ - FirstOld(current_))};
  }
  settled_ = false;
  at_once_ = false;
  TakeStep(question.actor, question.index);
  return {.kind = sim::Move::Kind::kStep};
}

template <class Chooser>
[[gnu::always_inline]] inline sim::Move ProcessScheduler::PickBy(const Chooser& choose,
                                                                 const sim::Question& question) {
  // Chosen where another CPU was asked: there is nothing more to say about its step, if it is a
  // step that it was chosen for.
  if (chosen_ == question.cpu.value() && !wakes_ && !question.blocked && !question.may_wait &&
      !event_) {
    current_ = chosen_;
    TakeStep(question.actor, question.index);
    return {.kind = sim::Move::Kind::kStep};
  }
  NoteNext(question);
  if (started_ < cpu_count_) {
    if (const int next = NextToEnter(); next != kNobody) return RunOn(next);
  }

  if (wakes_ && chosen_ == current_) {  // that was all: what it does next is another choice
    chosen_ = kNobody;
    wakes_ = false;
  }
  if (chosen_ == kNobody) {
    // A drain would end the wait of the CPU that is looking at it, though that is a choice of its
    // own: so the choice is made where somebody has a step to take.
    if (question.blocked && !chooses_everywhere_ && (buffers() || !chooses_where_it_waits_)) {
      if (const int c = FirstWithStep(); c != kNobody) return RunOn(c);
    }
    steps_unasked_ = 0;
    chosen_ = choose();
    if (chosen_ == kCut) const_cast<sim::Machine*>(machine_)->StopRun();
    // An await that was ready and is no longer has to be told to wait.
    if (chosen_ == kNobody) {
      return {.kind = question.blocked ? sim::Move::Kind::kNext : sim::Move::Kind::kStep};
    }
    wakes_ =
        chosen_ < cpu_count_ && pending(chosen_).blocked && machine_->Awaited(chosen_) == nullptr;
    if (IsBuffer(chosen_)) {
      const Process way = chosen_;
      chosen_ = kNobody;
      return {.kind = sim::Move::Kind::kDrain,
              .cpu = static_cast<std::uint8_t>(CpuOf(way)),
              .arg = static_cast<std::uint8_t>(PlaceOf(way)),
              .and_wait = chooses_everywhere_};
    }
  }
  const int cpu = CpuOf(chosen_);
  if (cpu == current_) return question.blocked ? RunOn(cpu) : GoOn(question);
  if (cpu != chosen_ || !IsPlainStep(cpu)) return RunOn(cpu);
  current_ = cpu;
  TakeStep(ActorId(pending(cpu).actor), pending(cpu).index);
  return {.kind = sim::Move::Kind::kRun, .cpu = static_cast<std::uint8_t>(cpu), .and_step = true};
}

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_PROCESS_SCHEDULER_H_
