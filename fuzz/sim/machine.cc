#include "fuzz/sim/machine.h"

#include <algorithm>
#include <cstring>

namespace shootdown::sim {
namespace {

// Rows that are not steps, and forced drains, are written without asking; the log has room for
// them beyond the step budget.
constexpr std::uint32_t kLogSlackRows = 4096;

// A thread has begun (Machine::MarkBehind).
constexpr std::uint64_t kBegun = 2;

}  // namespace

Machine::Machine(const MachineConfig& config)
    : actor_number_end_(static_cast<std::size_t>(config.cpu_count)), config_(config) {
  SHOOTDOWN_CHECK(live_ == nullptr);
  SHOOTDOWN_CHECK(config.cpu_count >= 1);
  SHOOTDOWN_CHECK(config.cpu_count <= kCpuCountMax);
  SHOOTDOWN_CHECK(config.store_buffer_entries <= kRingMax);
  SHOOTDOWN_CHECK(config.mondo_queue_entries <= kRingMax);
  SHOOTDOWN_CHECK(config.step_count_max <= 0xffff);  // LogEntry::index
  live_ = this;
  log_ = std::make_unique<LogEntry[]>(config.step_count_max + kLogSlackRows);
  shadow_ = std::make_unique<Shadow[]>(kArenaGuestBytes / 8);
  rings_ = std::make_unique<Rings[]>(static_cast<std::size_t>(config.cpu_count));
  moves_made_.reserve(256);

  cpus_ = arena_.Alloc<Cpu>("cpu", static_cast<std::size_t>(config.cpu_count));
  const int groups = (config.cpu_count + config.tlb_sharing - 1) / config.tlb_sharing;
  tlb_states_ = arena_.Alloc<Tlb::State>("tlb_state", static_cast<std::size_t>(groups));
  tlb_entries_ = arena_.Alloc<TlbEntry>(
      "tlb_entry", static_cast<std::size_t>(groups) * static_cast<std::size_t>(config.tlb_entries));
  for (std::size_t n = 0; n < kThreadCountMax; ++n) {
    Fiber& fiber = FiberOf(ThreadOfStack(n).code());
    fiber.stack = Arena::Stack(n);
    fiber.stack_bytes = kStackBytes;
  }
}

Machine::~Machine() { live_ = nullptr; }

ActorId Machine::ThreadOfStack(std::size_t n) {
  constexpr auto kEach = static_cast<std::size_t>(ActorId::kNumberCount);
  static_assert(kThreadCountMax == 2 * kEach);
  const auto number = static_cast<int>(n % kEach);
  return n < kEach ? TaskActor(number) : IdleActor(number);
}

Tlb Machine::tlb(int cpu) {
  const int group = tlb_group(cpu);
  return {&tlb_states_[group], &tlb_entries_[std::ptrdiff_t{group} * config_.tlb_entries], config_.tlb_entries};
}

void Machine::BindThread(CpuId cpu, ActorId thread) {
  Cpu& c = cpus_[cpu.value()];
  c.thread = thread.code();
  c.actor = thread.code();
  c.has_thread = 1;
}

void Machine::NoteLooks(std::uint64_t* lookers) {
  SHOOTDOWN_CHECK(lookers == nullptr || config_.cpu_count <= 64);  // a bit each
  lookers_wanted_ = lookers;
}

void Machine::TakeSnapshot() {
  for (int c = 0; c < config_.cpu_count; ++c) {
    SHOOTDOWN_CHECK(cpus_[c].buffer_count == 0);
    SHOOTDOWN_CHECK(cpus_[c].interrupt_depth == 0);
  }
  snapshot_.assign(arena_.base(), arena_.base() + arena_.used_bytes());
}

void Machine::Reset() {
  SHOOTDOWN_CHECK(!snapshot_.empty());
  std::memcpy(arena_.base(), snapshot_.data(), snapshot_.size());
  for (const WordIndex w : poisoned_) shadow_[w] = Shadow{};
  poisoned_.clear();
  std::fill_n(index_.begin(), actor_number_end_ * kActorClassCount, 0u);
  for (int c = 0; c < config_.cpu_count; ++c) {
    waits_[static_cast<std::size_t>(c)] = nullptr;
    rings_[static_cast<std::size_t>(c)].barriers = Barriers{};
  }
  for (; started_count_ != 0; --started_count_) {
    fibers_[started_[started_count_ - 1]].context = nullptr;
  }
  conflict_count_ = 0;
  moves_made_.clear();
  defaults_made_.clear();
  marks_.clear();
  hot_ = Hot{};
}

RunEnd Machine::Run(Scheduler& scheduler) {
  scheduler_ = &scheduler;
  // Rows of earlier runs fall below base_, so the shadow needs no clearing until numbers run out.
  if (base_ > 0xe000'0000u) {
    std::memset(static_cast<void*>(shadow_.get()), 0, kArenaGuestBytes / 8 * sizeof(Shadow));
    for (const WordIndex w : poisoned_) shadow_[w].write = kPoisoned;
    base_ = 1;
  }
  if (resume_from_ != nullptr) {
    GoBackTo(*std::exchange(resume_from_, nullptr));
  } else {
    Reset();
    scheduler.StartRun(*this);
    int first = 0;
    while (cpus_[first].has_thread == 0) ++first;
    EnterCpu(first);
    MakeReady(cpus_[first].thread);
  }
  first_row_ = hot_.row;
  end_ = RunEnd::kQuiet;
  thread_switched_in_ = false;
  steps_at_once_ = false;
  stop_requested_ = false;
  lookers_ = lookers_wanted_;
  do {
    if (to_keep_ != nullptr) Keep(*std::exchange(to_keep_, nullptr), kept_before_);
    SwitchToFiber(host_, cpus_[hot_.cpu].thread);
  } while (to_keep_ != nullptr);  // else the run has ended
  lookers_ = nullptr;
  if (end_ == RunEnd::kQuiet && guest_.quiet != nullptr) guest_.quiet();
  base_ += hot_.row + 1;
  scheduler_ = nullptr;
  scheduler.EndRun(*this);
  return end_;
}

void Machine::ThreadEntry() {
  Machine& m = Get();
  const bool switched_in = m.thread_switched_in_;
  m.thread_switched_in_ = false;
  if (switched_in) {
    m.RefreshUntil(*m.hot_.index);
  } else {
    m.Resume();
  }
  m.MarkBehind(kBegun);
  m.guest_.thread_main(m.thread(m.cpu()), switched_in);
  // Nothing left for this CPU. If for nobody, the run is over; and a scheduler that would not hear of another
  // step does not hear of that.
  static constexpr Wait kForEver{.pred = [](const void*) { return false; }, .site = &kNoMoreToDo};
  const std::uint8_t cpu = m.hot_.cpu;
  m.waits_[cpu] = &kForEver;
  bool over = m.hot_.until > 1 && m.hot_.row < m.config_.step_count_max;
  for (int c = 0; c < m.config_.cpu_count && over; ++c) {
    over = m.IsDone(c) && m.cpus_[c].buffer_count == 0 && m.cpus_[c].defer_until == 0;
  }
  if (over) m.EndRun(RunEnd::kQuiet);
  m.waits_[cpu] = nullptr;
  m.Block(kForEver);
  SHOOTDOWN_UNREACHABLE("a CPU without work was resumed");
}

void Machine::StopRun() {
  EndRun(RunEnd::kStopped);
  SHOOTDOWN_UNREACHABLE("a run that was stopped went on");
}

// Back to the host, for good.
void Machine::EndRun(RunEnd end) {
  end_ = end;
  cpus_[hot_.cpu].actor = hot_.actor;  // for DescribeWaits
  SwitchFiber(FiberOf(cpus_[hot_.cpu].thread), host_);
}

// ---- CPUs and threads ------------------------------------------------------------------------------

void Machine::StartFiber(std::uint16_t thread) {
  PrepareFiber(FiberOf(thread), &ThreadEntry);
  started_[started_count_++] = thread;
  actor_number_end_ =
      std::max(actor_number_end_, static_cast<std::size_t>(ActorId(thread).number()) + 1);
}

// First thing on a CPU that goes on: interrupts that came meanwhile.
void Machine::Resume() {
  DeliverInterrupts();
  RefreshUntil(*hot_.index);
}

void Machine::SwitchThread(ActorId next) {
  SHOOTDOWN_CHECK(cpus_[hot_.cpu].interrupt_depth == 0);
  // The steps that could end the delay may happen elsewhere, or never.
  if (cpus_[hot_.cpu].defer_mondo_until != 0) {
    cpus_[hot_.cpu].defer_mondo_until = 0;
    DeliverInterrupts();
  }
  Cpu& cpu = cpus_[hot_.cpu];
  Fiber& from = FiberOf(cpu.thread);
  cpu.thread = next.code();
  cpu.actor = next.code();
  if (FiberOf(next.code()).context == nullptr) thread_switched_in_ = true;
  MakeReady(next.code());
  EnterCpu(hot_.cpu);
  SwitchToFiber(from, next.code());
  RefreshUntil(*hot_.index);
}

// ---- steps and rows ------------------------------------------------------------------------------

LogEntry& Machine::AppendRow(const Site& site, StepKind kind, WordIndex word, std::uint64_t value) {
  const std::uint32_t index = *hot_.index;
  LogEntry& entry = Append(site, kind, word);
  *hot_.index = index;  // not a step
  entry.value = value;
  if (hot_.until > 1) --hot_.until;  // it took one of the rows that were left for steps
  return entry;
}

void Machine::Note(const Site& site, std::uint64_t value) {
  if (hot_.row >= config_.step_count_max) EndRun(RunEnd::kBudget);
  AppendRow(site, StepKind::kNote, kNoWord, value);
}

void Machine::WriteSecondary(const Site& site, Ctx ctx) {
  Begin(site, StepKind::kContextWrite, kNoWord).value = ctx.value();
  cpus_[hot_.cpu].secondary = ctx.value();
}

const TlbEntry* Machine::UserAccess(const Site& site, bool is_store, VirtPage virt,
                                    std::uint64_t need) {
  // User data is not what the protocols are about: it is not held in the store buffer.
  LogEntry& entry =
      Begin(site, is_store ? StepKind::kUserStore : StepKind::kUserLoad, kNoWord);
  entry.value = virt.value();
  const TlbEntry* const found = tlb().Lookup(secondary(hot_.cpu), virt);
  if (found != nullptr && (found->pte & need) == need) return found;
  entry.kind = StepKind::kTlbMiss;
  return nullptr;
}

void Machine::TouchUserWord(const std::uint64_t* word, std::uint64_t value) {
  const Row row = hot_.row - 1;
  LogEntry& entry = log_[row];
  entry.word = Arena::IndexOf(word);
  entry.value = value;
  if (entry.kind == StepKind::kUserStore) {
    NoteWrite(entry.word, row);
  } else {
    NoteRead(entry.word, row);
  }
}

void Machine::Poison(const void* address, std::size_t bytes) {
  const WordIndex first = Arena::IndexOf(address);
  // The CPU's last step stands for what is no step of its own.
  const bool in_step = hot_.row != 0 && log_[hot_.row - 1].cpu == hot_.cpu && CanAnchor(log_[hot_.row - 1].kind);
  for (std::size_t i = 0; i < bytes / 8; ++i) {
    const auto w = static_cast<WordIndex>(first + i);
    Shadow& shadow = shadow_[w];
    const Row last = std::max(shadow.read, shadow.write == kPoisoned ? Row{0} : shadow.write);
    if (in_step && last >= base_ && log_[last - base_].cpu != hot_.cpu) NoteConflict(last - base_, hot_.row - 1);
    // Once: who goes back to a checkpoint takes off what came after it.
    if (shadow.write != kPoisoned) poisoned_.push_back(w);
    shadow.write = kPoisoned;
    // Who watches accesses (fuzz/explore/memory_watch.h) sees a write.
    auto* const memory = reinterpret_cast<volatile std::uint64_t*>(kArenaBase + std::uint64_t{w} * 8);
    *memory = *memory;
    if (lookers_ != nullptr) lookers_[w] = kEverybody;
  }
}

// Apart, so that a run that keeps no marks pays for a look at a flag only.
void Machine::KeepMark(MemoryMark::Kind kind, std::uint64_t place) {
  marks_.push_back({kind, hot_.actor, place, hot_.row});
}

void Machine::Poisoned(const Site& site, WordIndex word) {
  if (on_poison_ != nullptr) on_poison_(site, word);
}

std::string Machine::DescribeWaits() const {
  std::string text;
  for (int c = 0; c < config_.cpu_count; ++c) {
    if (!WaitsBlocked(c)) continue;
    const Wait& wait = *waits_[static_cast<std::size_t>(c)];
    if (!text.empty()) text += "; ";
    text += "CPU " + std::to_string(c) + " (" + ToText(ActorId(cpus_[c].actor)) + ") waits in " + SiteName(*wait.site);
    if (cpus_[c].ie == 0) text += " with PSTATE.IE=0";
    if (cpus_[c].pil != 0) text += " at PIL " + std::to_string(cpus_[c].pil);
  }
  return text;
}

}  // namespace shootdown::sim
