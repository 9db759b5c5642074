// The simulated sparc64 SMP computer: CPUs, memory with store buffers, TLBs, cross calls.
//
// Guest code (a kernel model, a litmus test) runs on fibers, one for each thread, and calls the
// machine for whatever another CPU could see. Each such call is a step; a scheduler may be asked
// before it. Between two questions a CPU runs at native speed.
//
// Always holds:
//   M1  One CPU runs at a time, and one step happens at a time: a run is a sequence of log rows.
//   M2  A run depends on the snapshot and on the scheduler's answers alone.
//   M3  A CPU that waits has nothing to do: its condition is false, and no interrupt can be taken.
//   M4  A CPU's own loads see its stores at once. Under TSO these reach memory in program order; under PSO
//       and RMO in one that the model allows (SPARC V9, appendix D).
//   M5  Guest mistakes never abort the process; they are rows of the log for judges to read.
//
// Sources: The SPARC Architecture Manual, Version 9, chapter 8 and appendix D (memory models);
// UltraSPARC User's Manual 802-7220, chapter 9 (mondos), 14 and 15 (traps, MMU); sun4v: UltraSPARC
// Virtual Machine Specification, cpu_mondo_send. What is simplified: fuzz/sim/README.md.
#ifndef SHOOTDOWN_FUZZ_SIM_MACHINE_H_
#define SHOOTDOWN_FUZZ_SIM_MACHINE_H_

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "fuzz/base/check.h"
#include "fuzz/sim/arena.h"
#include "fuzz/sim/cpu.h"
#include "fuzz/sim/fiber.h"
#include "fuzz/sim/guest.h"
#include "fuzz/sim/ids.h"
#include "fuzz/sim/log.h"
#include "fuzz/sim/machine_config.h"
#include "fuzz/sim/membar.h"
#include "fuzz/sim/memory_mark.h"
#include "fuzz/sim/no_more_to_do.h"
#include "fuzz/sim/rings.h"
#include "fuzz/sim/scheduler.h"
#include "fuzz/sim/tlb.h"

namespace shootdown::sim {

class Machine {
 public:
  // Only one Machine lives at a time in a process. REQUIRES: config in range.
  explicit Machine(const MachineConfig& config);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] static Machine& Get() { return *live_; }

  // ---- building -------------------------------------------------------------------------------
  [[nodiscard]] Arena& arena() { return arena_; }
  void SetGuest(const Guest& guest) { guest_ = guest; }
  // `thread` is what `cpu` runs when a run starts. REQUIRES: class task or idle.
  void BindThread(CpuId cpu, ActorId thread);
  // From now on every run starts from what the arena and the CPUs hold now.
  // REQUIRES: every CPU waits (after Run ended with kQuiet) or has not started; buffers are empty.
  void TakeSnapshot();

  // ---- running --------------------------------------------------------------------------------
  RunEnd Run(Scheduler& scheduler);
  [[nodiscard]] std::span<const LogEntry> log() const { return {log_.get(), hot_.row}; }
  [[nodiscard]] std::span<const Conflict> conflicts() const {
    return {conflicts_.data(), conflict_count_};
  }
  // For who makes many runs that begin alike. Within Scheduler::Pick: keeps where the run stands, and comes
  // back. Where a later run resumes from it, it comes back once more, in that same Pick. REQUIRES:
  // CanKeepCheckpoints(); what Pick's callers hold is not changed by a host that resumes.
  class Checkpoint;  // fuzz/sim/checkpoint.h
  // `before`: null, or one that this run went through or resumed from, and that stays as it is as long as
  // `checkpoint` is used. What has not changed since then is not copied again.
  void KeepCheckpoint(Checkpoint& checkpoint, const Checkpoint* before);
  // The next Run goes on from there, under the scheduler that kept it, and does not call its StartRun.
  // REQUIRES: all runs since then went through it, or resumed from it or from one that was kept after it.
  // Of the run's conflicts only those between later rows are known.
  void ResumeFrom(const Checkpoint& checkpoint) { resume_from_ = &checkpoint; }
  [[nodiscard]] bool CanKeepCheckpoints() const;
  // Of the last run: where it began to be another one than those before it. 0 if it did not resume.
  [[nodiscard]] Row first_row() const { return first_row_; }
  // Every move of the run that was not the default: the run in exact form.
  // A default is in it where a later move at the same anchor would else be made in its place.
  [[nodiscard]] std::span<const MoveMade> moves_made() const { return moves_made_; }
  // Wait conditions and holders at the end of the run, one line a CPU, for reports of deadlocks.
  [[nodiscard]] std::string DescribeWaits() const;

  // ---- what guest code does: each is one step ---------------------------------------------------
  std::uint64_t Load(const Site& site, const std::uint64_t* word);
  // No step: what Load would give this CPU right now. For the second half of a 16-byte load.
  [[nodiscard]] std::uint64_t PeekOwn(const std::uint64_t* word);
  void Store(const Site& site, std::uint64_t* word, std::uint64_t value);
  // Atomically word := f(word), and a full fence. Returns the old value. Source: SPARC V9 A.9, 8.4.3.
  template <class F>
  std::uint64_t Rmw(const Site& site, std::uint64_t* word, F f);
  // Load and Rmw which cannot happen before ready(value of the word, as this CPU sees it) is true. The
  // CPU waits before, as in WaitUntil (kBlocked); the step itself finds the word ready.
  template <class Ready>
  std::uint64_t LoadWhen(const Site& site, const std::uint64_t* word, const Ready& ready);
  template <class Ready, class F>
  std::uint64_t RmwWhen(const Site& site, std::uint64_t* word, const Ready& ready, const F& f);
  // The bare instruction: atomic, but no fence. PSO and RMO let accesses pass it (SPARC V9 8.4.4); under
  // SC and TSO it is Rmw.
  template <class F>
  std::uint64_t RmwUnordered(const Site& site, std::uint64_t* word, const F& f);
  // Everything before it is done before everything after it: a membar with all bits.
  void Fence(const Site& site);
  // No step if the mask orders nothing that the memory model does not order anyway.
  void Membar(const Site& site, MembarMask mask);

  // A load whose value nothing needs yet: under RMO it may happen as late as ValueOf, which waits for it.
  // Accesses between the two pass it, unless they store to its word or a membar forbids it. Else it is Load.
  struct LateLoad {
    Row row;
  };
  [[nodiscard]] LateLoad LoadLater(const Site& site, const std::uint64_t* word);
  std::uint64_t ValueOf(LateLoad load);
  // One instruction that accesses user memory: looks `virt` up under the context in SECONDARY. The
  // entry is null on a miss, or if its pte lacks one of the bits `need`: the trap follows. On a hit
  // the guest names the word of memory that was accessed with TouchUserWord, before its next step.
  const TlbEntry* UserAccess(const Site& site, bool is_store, VirtPage virt, std::uint64_t need);
  void TouchUserWord(const std::uint64_t* word, std::uint64_t value);
  // A visible action which is not a memory access.
  void Action(const Site& site, StepKind kind, std::uint64_t value, WordIndex word = kNoWord);

  // ---- no steps: a CPU's own business -------------------------------------------------------------
  [[nodiscard]] int cpu() const { return hot_.cpu; }
  [[nodiscard]] int cpu_count() const { return config_.cpu_count; }
  [[nodiscard]] const MachineConfig& config() const { return config_; }
  [[nodiscard]] ActorId actor() const { return ActorId(hot_.actor); }
  [[nodiscard]] ActorId thread(int cpu) const { return ActorId(cpus_[cpu].thread); }
  // Whose stack Arena::Stack(n) is. REQUIRES: n < kThreadCountMax.
  [[nodiscard]] static ActorId ThreadOfStack(std::size_t n);
  [[nodiscard]] Row row() const { return hot_.row; }
  void Note(const Site& site, std::uint64_t value);  // a row for readers

  [[nodiscard]] bool ie() const { return cpus_[hot_.cpu].ie != 0; }
  [[nodiscard]] int pil() const { return cpus_[hot_.cpu].pil; }
  [[nodiscard]] bool InInterrupt() const { return cpus_[hot_.cpu].interrupt_depth != 0; }
  // Interrupts that become takeable are taken before these return.
  void SetIe(bool on);
  void SetPil(int level);

  [[nodiscard]] Ctx secondary(int cpu) const { return Ctx(cpus_[cpu].secondary); }
  void WriteSecondary(const Site& site, Ctx ctx);  // a step
  [[nodiscard]] Tlb tlb(int cpu);
  [[nodiscard]] Tlb tlb() { return tlb(hot_.cpu); }
  [[nodiscard]] int tlb_group(int cpu) const { return cpu / config_.tlb_sharing; }

  // Waits until pred() is true, without spinning. The CPU takes interrupts meanwhile if it may.
  // pred reads memory with Peek only, and must not change anything.
  template <class Pred>
  void WaitUntil(const Site& site, WaitKind kind, const Pred& pred);

  // The CPU goes on with `next` instead of the current thread. Returns when the current thread is
  // switched in again, on whatever CPU. REQUIRES: called by a thread, not by an interrupt handler.
  void SwitchThread(ActorId next);

  // ---- cross calls and interrupts -----------------------------------------------------------------
  // Dispatches to `target`; a step. False: NACK (sun4u) or queue full (sun4v). Drains the sender's
  // store buffer first, as the membar #Sync or the hypercall does.
  [[nodiscard]] bool SendMondo(const Site& site, int target, const Mondo& mondo);
  [[nodiscard]] bool MondoRoom(int target) const;
  // How many mondos `target` has executed so far.
  [[nodiscard]] std::uint64_t MondosExecuted(int target) const { return cpus_[target].executed; }
  [[nodiscard]] std::uint64_t MondosAccepted(int target) const { return cpus_[target].accepted; }
  void RaiseSoftint(int cpu, int level);  // no step: a register of the CPU itself

  // Ends the run at once; does not return, and runs no destructor of what its callers hold. So a judge
  // requests it, and who told the judge stops when the judge has returned.
  [[noreturn]] void StopRun();
  void RequestStop() { stop_requested_ = true; }
  [[nodiscard]] bool stop_requested() const { return stop_requested_; }

  // ---- for schedulers and judges ------------------------------------------------------------------
  [[nodiscard]] bool CanRun(int cpu) const;
  // The CPU's next step is that of a handler.
  [[nodiscard]] bool InterruptDue(int cpu) const { return Deliverable(cpu); }
  [[nodiscard]] bool Waiting(int cpu) const { return waits_[static_cast<std::size_t>(cpu)] != nullptr; }
  [[nodiscard]] bool WaitsBlocked(int cpu) const;
  // What CPU `cpu` waits to do, or would do next; null if that is no such step.
  [[nodiscard]] const Await* Awaited(int cpu) const;
  // Held stores, and under RMO loads that were put off.
  [[nodiscard]] int BufferedCount(int cpu) const { return cpus_[cpu].buffer_count; }
  // An interrupt has come to this CPU while a decision makes interrupts wait.
  [[nodiscard]] bool HoldsInterruptBack(int cpu) const;
  [[nodiscard]] bool walks_by_itself() const { return guest_.walk != nullptr; }
  [[nodiscard]] int walk_page_count() const { return walks_by_itself() ? guest_.walk_page_count : 0; }
  // Whether a walk of the running CPU would fetch something for `virt` now.
  [[nodiscard]] bool CanWalk(VirtPage virt) const { return walks_by_itself() && guest_.can_walk(virt); }
  // Whether CPU `cpu` would find something for `virt` now.
  [[nodiscard]] bool CanWalk(int cpu, VirtPage virt);
  [[nodiscard]] bool takes_softints() const { return guest_.softint != nullptr; }
  [[nodiscard]] bool takes_nmis() const { return guest_.nmi != nullptr; }
  [[nodiscard]] bool takes_interrupts() const {
    return guest_.sends_mondos || takes_softints() || takes_nmis();
  }
  // CPU `cpu` has nothing left to do, and no interrupt can ever give it a step.
  [[nodiscard]] bool IsDone(int cpu) const;
  [[nodiscard]] bool SoftintPending(int cpu, int level) const {
    return (cpus_[cpu].softint >> level & 1) != 0;
  }
  // An interrupt has come to the CPU that it has not taken yet, or one is being handled.
  [[nodiscard]] bool InterruptWaits(int cpu) const;
  // A decision makes this CPU's interrupts wait, whether one has come or not.
  [[nodiscard]] bool InterruptsDeferred(int cpu) const { return cpus_[cpu].defer_until != 0; }
  // Mondo `i` that is on its way to the CPU, the oldest first. REQUIRES: there are so many.
  [[nodiscard]] const Mondo& PendingMondo(int cpu, int i) const {
    return rings_[static_cast<std::size_t>(cpu)]
        .mondo[static_cast<std::size_t>((cpus_[cpu].mondo_head + i) % kRingMax)];
  }
  [[nodiscard]] int PendingMondoCount(int cpu) const { return cpus_[cpu].mondo_count; }
  // All that the rest of a run depends on, but for threads and what is held or on its way: guest memory,
  // which stands after the registers, and those. Equal states give equal words.
  [[nodiscard]] std::span<const char> GuestMemory() const;
  void AppendRegisters(std::vector<std::uint64_t>& words) const;
  // From the next run on marks are kept, or not.
  void KeepMemoryMarks(bool keep) { keeps_marks_ = keep; }
  [[nodiscard]] std::span<const MemoryMark> memory_marks() const { return marks_; }
  void MarkMemory(MemoryMark::Kind kind, std::uint64_t place) {
    if (keeps_marks_) [[unlikely]] KeepMark(kind, place);
  }
  // The actor is behind a place at which it may be interrupted, or wait, without a step of its own:
  // it has been told no more than before it, but goes on in another way.
  void MarkBehind(std::uint64_t place) { MarkMemory(MemoryMark::Kind::kLearn, place); }
  // What CPU `cpu` holds at place `i`, the oldest first. REQUIRES: i < BufferedCount(cpu).
  struct Buffered {
    WordIndex word;
    std::uint64_t value;
    bool is_load;
  };
  [[nodiscard]] Buffered BufferedAt(int cpu, int i) const {
    const Held& held = HeldAt(cpu, i);
    return {Arena::IndexOf(held.word), held.value, held.is_load};
  }
  // Nothing that the buffer holds has to leave before what it holds at place `i`, if there is such a place.
  [[nodiscard]] bool MayLeave(int cpu, int i) const;
  // Something in the CPU's buffer has to leave before a plain load, or an RMW, of `word`.
  [[nodiscard]] bool BufferBlocksLoad(int cpu) const;
  [[nodiscard]] bool BufferBlocksRmw(int cpu, WordIndex word) const;
  // How many older values a load of `word` may give CPU `cpu`: none where BufferBlocksLoad, and under RMO alone.
  [[nodiscard]] int OldValueCount(int cpu, WordIndex word) const;
  // All that tells two states apart in which memory and buffers hold the same: how old a value each CPU may
  // still load, what in its buffer waits for what. The same words for states that go on alike.
  void AppendMemoryOrder(std::vector<std::uint64_t>& out) const;
  // What memory holds, whatever waits in store buffers.
  [[nodiscard]] static std::uint64_t PeekWord(WordIndex word) {
    return *reinterpret_cast<const std::uint64_t*>(kArenaBase + std::uint64_t{word} * 8);
  }
  // Words that guest code must not touch any more; a touch is reported to `on_poison`.
  void Poison(const void* address, std::size_t bytes);
  void SetPoisonHandler(void (*on_poison)(const Site& site, WordIndex word)) {
    on_poison_ = on_poison;
  }
  // For a search that wants to know who can notice what a word holds. From the next run on, whoever looks at
  // a word without a step is noted in `lookers`, which has a mask of CPUs for each word of guest memory:
  // that CPU, or kEverybody where it is memory that is looked at, past all store buffers (Cell::Peek: waits
  // and judges; and whatever is poisoned). Not after the run's end, when nothing is held any more. Null:
  // nothing is noted. REQUIRES, if not null: at most 64 CPUs.
  void NoteLooks(std::uint64_t* lookers);
  static constexpr std::uint64_t kEverybody = ~std::uint64_t{0};
  static void NoteLookOf(int cpu, const std::uint64_t* word) {
    if (lookers_ != nullptr) [[unlikely]] lookers_[Arena::IndexOf(word)] |= std::uint64_t{1} << cpu;
  }
  static void NoteLookOfEverybody(const std::uint64_t* word) {
    if (lookers_ != nullptr) [[unlikely]] lookers_[Arena::IndexOf(word)] |= kEverybody;
  }

 private:
  struct Shadow {
    Row write = 0;  // base_ + row of the last access in this run; below base_ means none
    Row read = 0;
  };
  static constexpr Row kPoisoned = 0xffff'ffff;
  static constexpr std::uint32_t kNever = 0xffff'ffff;
  static constexpr std::size_t kConflictCountMax = 1024;

  void Reset();
  void Keep(Checkpoint& to, const Checkpoint* before);
  void KeepStacks(Checkpoint& to, const Checkpoint* before) const;
  void GoBackTo(const Checkpoint& from);
  void GoBackToStacks(const Checkpoint& from);
  static void ThreadEntry();
  // When a question is due, or the store buffer is not empty.
  std::uint64_t LoadSlowly(const Site& site, const std::uint64_t* word);
  void StoreSlowly(const Site& site, std::uint64_t* word, std::uint64_t value);
  LogEntry& Begin(const Site& site, StepKind kind, WordIndex word);
  LogEntry& BeginDrained(const Site& site, StepKind kind, WordIndex word);
  LogEntry& Append(const Site& site, StepKind kind, WordIndex word);
  LogEntry& AppendRow(const Site& site, StepKind kind, WordIndex word, std::uint64_t value);
  struct Nature {  // of a step, beyond its kind
    bool may_wait = false;
    bool empties_buffer = false;
    MembarMask membar = 0;
  };
  void Ask(const Site& site, StepKind kind, WordIndex word, Nature nature);
  void AskHere(const Site& site, StepKind kind, WordIndex word, Nature nature);
  bool GoToCpu(const Move& move, const Question& question);
  bool Make(const Move& move, const Question& question);
  void Remember(const Move& move, const Question& question);
  void Block(const Wait& wait);
  void LeaveBlocked(const Site& site);
  void NothingRuns(const Question& question);
  void EndRun(RunEnd end);
  void RefreshUntil(std::uint32_t from_index);
  [[nodiscard]] std::uint32_t NextExpiry(std::uint32_t from_index) const;
  void EnterCpu(int cpu);
  void SwitchCpu(int cpu);
  void Resume();
  [[nodiscard]] Fiber& FiberOf(std::uint16_t thread) { return fibers_[thread]; }
  void StartFiber(std::uint16_t thread);
  void MakeReady(std::uint16_t thread);
  // Goes on with a thread that is started.
  void SwitchToFiber(Fiber& from, std::uint16_t thread) {
    stack_versions_[thread] = stack_version_;
    SwitchFiber(from, FiberOf(thread));
  }
  // Where the index of an actor stands: by number first, so that those that are in use stand
  // together.
  static constexpr std::size_t kActorClassCount = 4;
  [[nodiscard]] static constexpr std::size_t IndexSlot(std::uint16_t actor) {
    return (actor & 0x100u) | std::rotl(static_cast<std::uint8_t>(actor), 2);
  }
  [[nodiscard]] bool Deliverable(int cpu) const;
  [[nodiscard]] static bool NmiDeliverable(const Cpu& cpu);
  [[nodiscard]] static bool MondoDeliverable(const Cpu& cpu);
  void DeliverInterrupts();
  template <class Handler>
  void InHandler(std::uint8_t pil, const Handler& handler);
  void NoteRead(WordIndex word, Row row);
  void NoteWrite(WordIndex word, Row row);
  void NoteConflict(Row first, Row second);
  void Poisoned(const Site& site, WordIndex word);
  void KeepMark(MemoryMark::Kind kind, std::uint64_t place);
  void NoteReadBy(int cpu, WordIndex word, Row row);
  [[nodiscard]] const Held& HeldAt(int cpu, int i) const {
    return rings_[static_cast<std::size_t>(cpu)]
        .held[static_cast<std::size_t>((cpus_[cpu].buffer_head + i) % kRingMax)];
  }
  [[nodiscard]] Held& HeldAt(int cpu, int i) {
    return const_cast<Held&>(static_cast<const Machine*>(this)->HeldAt(cpu, i));
  }
  [[nodiscard]] bool weak() const { return config_.memory_model >= MemoryModel::kPso; }
  [[nodiscard]] static bool Precedes(const Held& earlier, const Held& later);
  [[nodiscard]] const Held* Forward(int cpu, const std::uint64_t* word, Row before) const;
  [[nodiscard]] std::uint64_t PeekAs(int cpu, const std::uint64_t* word) const;
  template <class Ready>
  void BeginWhen(const Site& site, StepKind kind, const std::uint64_t* word, const Ready& ready);
  std::uint64_t LoadAtOnce(const Site& site, const std::uint64_t* word);
  std::uint64_t LoadThroughBuffer(LogEntry& entry, const std::uint64_t* word);
  std::uint64_t LoadOld(LogEntry& entry);
  template <class F>
  std::uint64_t FinishRmw(LogEntry& entry, std::uint64_t* word, const F& f);
  void Buffer(LogEntry& entry, std::uint64_t* word, std::uint64_t value, bool is_load);
  void Leave(int cpu, int i);
  void ForceOut(int cpu, int i);
  void ForceOutForLoad();
  void ForceOutForRmw(const std::uint64_t* word);
  void DrainFollowers(int cpu);
  void DrainAll(int cpu);
  void DrainExpired();
  struct LoadOrder;
  [[nodiscard]] LoadOrder OrderOf(int cpu, WordIndex word) const;
  [[nodiscard]] Row FloorOfLate(Row row) const;
  [[nodiscard]] std::uint64_t ValueBefore(WordIndex word, Row row) const;
  [[nodiscard]] static bool WritesMemory(const LogEntry& entry);
  [[nodiscard]] int CountOldValues(int cpu, WordIndex word, const LoadOrder& order) const;

  struct Hot {
    std::uint32_t until = 0;        // steps left before the scheduler is asked
    Row row = 0;                    // the next row
    std::uint32_t* index = nullptr; // of the current actor's next step
    std::uint16_t actor = 0;
    std::uint8_t cpu = 0;
    bool through_buffer = false;    // loads must look into the buffer, stores go to its end
    bool hold_next = false;
    std::uint8_t hold_arg = 0;
    std::uint8_t old_next = 0;      // the load gives the value before so many stores
  };
  inline static Machine* live_ = nullptr;
  inline static std::uint64_t* lookers_ = nullptr;  // while a run goes on

  Hot hot_;
  std::unique_ptr<LogEntry[]> log_;
  std::unique_ptr<Shadow[]> shadow_;
  Row base_ = 1;
  Row first_row_ = 0;
  Cpu* cpus_ = nullptr;  // in the arena
  std::array<std::uint32_t, ActorId::kCodeCount> index_{};
  Scheduler* scheduler_ = nullptr;
  std::size_t conflict_count_ = 0;
  std::array<Conflict, kConflictCountMax> conflicts_;
  std::vector<MoveMade> moves_made_;
  std::vector<MoveMade> defaults_made_;  // when blocked: what was chosen by the default order
  std::array<const Wait*, kCpuCountMax> waits_{};  // on the stack of who waits; null: it does not
  std::unique_ptr<Rings[]> rings_;
  std::array<Fiber, ActorId::kCodeCount> fibers_;       // of threads: tasks and idle tasks
  std::array<std::uint16_t, kThreadCountMax> started_;  // fibers of the last run, to be reset
  std::size_t started_count_ = 0;
  Fiber host_;
  // Two stacks of one thread with the same version are the same. A thread that runs gets the version of now,
  // which is a new one after each checkpoint that is kept or gone back to.
  std::array<std::uint64_t, ActorId::kCodeCount> stack_versions_{};
  std::uint64_t stack_version_ = 1;
  std::size_t actor_number_end_;             // those of all actors that ever took a step are below
  Checkpoint* to_keep_ = nullptr;            // by the host, which goes on with the run
  const Checkpoint* kept_before_ = nullptr;
  const Checkpoint* resume_from_ = nullptr;  // by the next run
  bool thread_switched_in_ = false;
  bool steps_at_once_ = false;  // who is switched to (Move::and_step)
  bool stop_requested_ = false;
  bool keeps_marks_ = false;
  std::uint64_t* lookers_wanted_ = nullptr;
  std::vector<MemoryMark> marks_;
  RunEnd end_ = RunEnd::kQuiet;
  Tlb::State* tlb_states_ = nullptr;  // in the arena
  TlbEntry* tlb_entries_ = nullptr;   // in the arena
  std::vector<char> snapshot_;
  std::vector<WordIndex> poisoned_;
  mutable std::vector<Row> moments_;                       // of loads; only while they are asked for
  mutable std::vector<std::pair<Row, Row>> late_floors_;   // of loads that were put off, by row
  void (*on_poison_)(const Site& site, WordIndex word) = nullptr;
  Guest guest_;
  MachineConfig config_;
  Arena arena_;
};

}  // namespace shootdown::sim

#include "fuzz/sim/machine_fast_path.h"

#endif  // SHOOTDOWN_FUZZ_SIM_MACHINE_H_
