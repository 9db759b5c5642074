#include "fuzz/sim/machine.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace shootdown::sim {
namespace {

// Rows that are not steps, and forced drains, are written without asking; the log has room for
// them beyond the step budget.
constexpr std::uint32_t kLogSlackRows = 4096;

}  // namespace

Machine::Machine(const MachineConfig& config) : config_(config) {
  SHOOTDOWN_CHECK(live_ == nullptr);
  SHOOTDOWN_CHECK(config.cpu_count >= 1);
  SHOOTDOWN_CHECK(config.cpu_count <= kCpuCountMax);
  SHOOTDOWN_CHECK(config.store_buffer_entries <= kRingMax);
  SHOOTDOWN_CHECK(config.mondo_queue_entries <= kRingMax);
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
    fibers_[n].stack = Arena::Stack(n);
    fibers_[n].stack_bytes = kStackBytes;
  }
}

Machine::~Machine() { live_ = nullptr; }

Tlb Machine::tlb(int cpu) {
  const int group = tlb_group(cpu);
  return {&tlb_states_[group], &tlb_entries_[group * config_.tlb_entries], config_.tlb_entries};
}

void Machine::BindThread(CpuId cpu, ActorId thread) {
  Cpu& c = cpus_[cpu.value()];
  c.thread = thread.byte();
  c.actor = thread.byte();
  c.has_thread = 1;
}

void Machine::TakeSnapshot() {
  for (int c = 0; c < config_.cpu_count; ++c) {
    SHOOTDOWN_CHECK(cpus_[c].buffer_count == 0);
    SHOOTDOWN_CHECK(cpus_[c].interrupt_depth == 0);
  }
  snapshot_.assign(arena_.base(), arena_.base() + arena_.used_bytes());
}

RunEnd Machine::Run(Scheduler& scheduler) {
  SHOOTDOWN_CHECK(!snapshot_.empty());
  std::memcpy(arena_.base(), snapshot_.data(), snapshot_.size());
  // Rows of earlier runs fall below base_, so the shadow needs no clearing until numbers run out.
  if (base_ > 0xe000'0000u) {
    std::memset(static_cast<void*>(shadow_.get()), 0, kArenaGuestBytes / 8 * sizeof(Shadow));
    base_ = 1;
  }
  for (const WordIndex w : poisoned_) shadow_[w] = Shadow{};
  poisoned_.clear();
  index_.fill(0);
  for (int c = 0; c < config_.cpu_count; ++c) waits_[static_cast<std::size_t>(c)] = Wait{};
  for (; started_count_ != 0; --started_count_) {
    fibers_[started_[started_count_ - 1]].context = nullptr;
  }
  conflict_count_ = 0;
  feature_count_ = 0;
  moves_made_.clear();
  defaults_made_.clear();
  hot_ = Hot{};
  scheduler_ = &scheduler;
  scheduler.StartRun(*this);

  end_ = RunEnd::kQuiet;
  thread_switched_in_ = false;
  stop_requested_ = false;
  int first = 0;
  while (cpus_[first].has_thread == 0) ++first;
  EnterCpu(first);
  SwitchFiber(host_, StartedFiber(cpus_[first].thread));  // back when the run has ended
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
  m.guest_.thread_main(m.thread(m.cpu()), switched_in);
  // Nothing left for this CPU.
  m.WaitUntil(SHOOTDOWN_SITE("no more to do"), WaitKind::kIdle, [] { return false; });
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

// ---- choices -------------------------------------------------------------------------------------

// How many steps may pass before the next question; `from_index` is the first step that may be
// asked about.
void Machine::RefreshUntil(std::uint32_t from_index) {
  const std::uint32_t now = *hot_.index;
  std::uint32_t next = scheduler_->NextQuestion(ActorId(hot_.actor), from_index);
  const Cpu& cpu = cpus_[hot_.cpu];
  if (cpu.buffer_count != 0) [[unlikely]] {
    const Rings& rings = rings_[hot_.cpu];
    for (int i = 0; i < cpu.buffer_count; ++i) {
      const HeldStore& held =
          rings.store[static_cast<std::size_t>((cpu.buffer_head + i) % kRingMax)];
      if (held.actor == hot_.actor && held.expires >= from_index) {
        next = std::min(next, held.expires);
      }
    }
  }
  if (cpu.defer_until != 0 && cpu.defer_actor == hot_.actor && cpu.defer_until >= from_index) {
    next = std::min(next, cpu.defer_until);
    if (cpu.defer_mondo_until >= from_index) next = std::min(next, cpu.defer_mondo_until);
  }
  const std::uint32_t left = next == kNever ? kNever : next - now + 1;
  const std::uint32_t budget =
      config_.step_count_max > hot_.row ? config_.step_count_max - hot_.row : 1;
  hot_.until = std::min(left, budget);
  // Inside Ask the step in question follows without another look at the counter.
  if (from_index > now && hot_.until > 1) --hot_.until;
}

void Machine::Ask(const Site& site, StepKind kind, WordIndex word) {
  // A hold is about the step in question alone: whatever else happens before it does not notice.
  std::optional<Move> hold;
  for (;;) {
    if (hot_.row >= config_.step_count_max) EndRun(RunEnd::kBudget);
    Cpu& cpu = cpus_[hot_.cpu];
    if (cpu.buffer_count != 0) DrainExpired();
    if (cpu.defer_until != 0 && cpu.defer_actor == hot_.actor) {
      const bool mondos = cpu.defer_mondo_until != 0 && *hot_.index >= cpu.defer_mondo_until;
      const bool all = *hot_.index >= cpu.defer_until;
      if (mondos || all) cpu.defer_mondo_until = 0;
      if (all) cpu.defer_until = 0;
      if (mondos || all) {
        DeliverInterrupts();
        continue;
      }
    }
    const Question question{.machine = *this,
                            .cpu = CpuId(hot_.cpu),
                            .actor = ActorId(hot_.actor),
                            .index = *hot_.index,
                            .site = site,
                            .kind = kind,
                            .word = word,
                            .blocked = false};
    const Move move = scheduler_->Pick(question);
    if (move.kind == Move::Kind::kStep) break;
    if (move.kind != Move::Kind::kHold) {
      Make(move, question);
    } else if (config_.memory_model != MemoryModel::kSc && kind == StepKind::kStore && !hold) {
      Remember(move, question);
      hold = move;
    }
  }
  if (hold) {
    hot_.hold_next = true;
    hot_.hold_arg = hold->arg;
    hot_.through_buffer = true;
  }
  RefreshUntil(*hot_.index + 1);
}

void Machine::Remember(const Move& move, const Question& question) {
  // A blocked CPU is asked at one anchor many times. Defaults that were followed there before this
  // move have to be said, or a replay would make the move at once.
  for (MoveMade& made : defaults_made_) {
    if (made.actor != question.actor || made.index != question.index || made.row == kNoRow) continue;
    const auto later = [](Row row, const MoveMade& m) { return row < m.row; };
    moves_made_.insert(
        std::upper_bound(moves_made_.begin(), moves_made_.end(), made.row, later), made);
    made.row = kNoRow;
  }
  moves_made_.push_back(
      {.move = move, .actor = question.actor, .index = question.index, .row = hot_.row});
}

// Makes `move` if it can be made here, and remembers it if it was.
bool Machine::Make(const Move& move, const Question& question) {
  Cpu& cpu = cpus_[hot_.cpu];
  switch (move.kind) {
    case Move::Kind::kStep:
    case Move::Kind::kNext:
    case Move::Kind::kHold:
      return false;
    case Move::Kind::kRun:
      if (move.cpu >= config_.cpu_count || move.cpu == hot_.cpu || !CanRun(move.cpu)) return false;
      Remember(move, question);
      SwitchCpu(move.cpu);
      Resume();
      return true;
    case Move::Kind::kDrain:
      if (move.cpu >= config_.cpu_count || cpus_[move.cpu].buffer_count == 0) return false;
      Remember(move, question);
      DrainOne(move.cpu);
      DrainFollowers(move.cpu);
      return true;
    case Move::Kind::kDefer:
      if (move.arg == 0 || cpu.defer_until != 0) return false;
      Remember(move, question);
      cpu.defer_actor = hot_.actor;
      cpu.defer_until = question.index + move.arg;
      if (config_.mondo_delay_max != 0) {
        cpu.defer_mondo_until =
            question.index + std::min<std::uint32_t>(
                                 move.arg, static_cast<std::uint32_t>(config_.mondo_delay_max));
      }
      return true;
    case Move::Kind::kResched:
      if (guest_.softint == nullptr) return false;
      Remember(move, question);
      RaiseSoftint(hot_.cpu, kPilReschedule);
      DeliverInterrupts();
      return true;
    case Move::Kind::kEvict:
      if (!tlb().Evict(move.arg)) return false;
      Remember(move, question);
      return true;
    case Move::Kind::kNmi:
      if (guest_.nmi == nullptr) return false;
      Remember(move, question);
      cpu.nmi_pending = 1;
      DeliverInterrupts();
      return true;
    case Move::Kind::kWalk: {
      const VirtPage virt(move.arg);
      if (guest_.walk == nullptr || !guest_.can_walk(virt)) return false;
      Remember(move, question);
      AppendRow(SHOOTDOWN_SITE("the walker fetches a translation"), StepKind::kNote, kNoWord,
                virt.value());
      guest_.walk(virt);
      return true;
    }
  }
  return false;
}

// ---- CPUs and threads ------------------------------------------------------------------------------

bool Machine::CanRun(int cpu) const {
  const auto c = static_cast<std::size_t>(cpu);
  if (cpus_[cpu].has_thread == 0) return false;
  const Wait& wait = waits_[c];
  return wait.pred == nullptr || Deliverable(cpu) || wait.pred(wait.argument);
}

void Machine::EnterCpu(int cpu) {
  hot_.cpu = static_cast<std::uint8_t>(cpu);
  hot_.actor = cpus_[cpu].actor;
  hot_.index = &index_[hot_.actor];
  hot_.through_buffer = cpus_[cpu].buffer_count != 0;
  hot_.hold_next = false;
}

// Ready to be switched to, in this run.
Fiber& Machine::StartedFiber(std::uint8_t thread) {
  Fiber& fiber = FiberOf(thread);
  if (fiber.context == nullptr) {
    PrepareFiber(fiber, &ThreadEntry);
    started_[started_count_++] = thread;
  }
  return fiber;
}

void Machine::SwitchCpu(int cpu) {
  cpus_[hot_.cpu].actor = hot_.actor;
  Fiber& from = FiberOf(cpus_[hot_.cpu].thread);
  Fiber& to = StartedFiber(cpus_[cpu].thread);
  EnterCpu(cpu);
  SwitchFiber(from, to);
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
  cpu.thread = next.byte();
  cpu.actor = next.byte();
  if (FiberOf(next.byte()).context == nullptr) thread_switched_in_ = true;
  Fiber& to = StartedFiber(next.byte());
  EnterCpu(hot_.cpu);
  SwitchFiber(from, to);
  RefreshUntil(*hot_.index);
}

void Machine::Block(const Wait& wait) {
  const Site& site = *wait.site;
  bool shown = false;
  for (;;) {
    // What waits here would spin there, so the steps of a mondo's delay pass.
    cpus_[hot_.cpu].defer_mondo_until = 0;
    DeliverInterrupts();
    if (wait.pred(wait.argument)) break;
    if (!shown && wait.kind == WaitKind::kBlocked) AppendRow(site, StepKind::kWait, kNoWord, 0);
    shown = true;
    // Interrupt handlers may wait too, on top of a waiting thread, so the slot is set anew.
    waits_[hot_.cpu] = wait;
    LeaveBlocked(site);
    waits_[hot_.cpu] = Wait{};
  }
  RefreshUntil(*hot_.index);
}

// Some other CPU goes on. Returns when this one can.
void Machine::LeaveBlocked(const Site& site) {
  const std::uint8_t self = hot_.cpu;
  for (;;) {
    if (hot_.row >= config_.step_count_max) EndRun(RunEnd::kBudget);
    const Question question{.machine = *this,
                            .cpu = CpuId(self),
                            .actor = ActorId(hot_.actor),
                            .index = *hot_.index,
                            .site = site,
                            .kind = StepKind::kWait,
                            .word = waits_[self].await.word,
                            .blocked = true};
    const Move move = scheduler_->Pick(question);
    if (move.kind == Move::Kind::kRun && move.cpu != self && move.cpu < config_.cpu_count &&
        CanRun(move.cpu)) {
      Remember(move, question);
      SwitchCpu(move.cpu);
      return;
    }
    if (move.kind == Move::Kind::kDrain) {
      Make(move, question);
      if (CanRun(self)) return;
      continue;
    }
    if (move.kind != Move::Kind::kNext) continue;
    // Counting up and around, this CPU last.
    int next = -1;
    for (int k = 1; k <= config_.cpu_count && next < 0; ++k) {
      const int c = (self + k) % config_.cpu_count;
      if (CanRun(c)) next = c;
    }
    if (next == self) return;
    if (next >= 0) {
      const Move made{.kind = Move::Kind::kRun, .cpu = static_cast<std::uint8_t>(next)};
      defaults_made_.push_back(
          {.move = made, .actor = question.actor, .index = question.index, .row = hot_.row});
      SwitchCpu(next);
      return;
    }
    NothingRuns(question);
    if (CanRun(self)) return;
  }
}

// A held store reaches memory if there is one; else the run is over.
void Machine::NothingRuns(const Question& question) {
  for (int c = 0; c < config_.cpu_count; ++c) {
    if (cpus_[c].buffer_count != 0) {
      const Move made{.kind = Move::Kind::kDrain, .cpu = static_cast<std::uint8_t>(c)};
      defaults_made_.push_back(
          {.move = made, .actor = question.actor, .index = question.index, .row = hot_.row});
      DrainOne(c);
      DrainFollowers(c);
      return;
    }
  }
  // A deferred interrupt comes after all.
  for (int c = 0; c < config_.cpu_count; ++c) {
    if (cpus_[c].defer_until != 0) {
      cpus_[c].defer_until = 0;
      cpus_[c].defer_mondo_until = 0;
      return;
    }
  }
  EndRun(RunEnd::kQuiet);
}

// ---- interrupts ------------------------------------------------------------------------------------

// A non-maskable interrupt is of level 15: PIL 14 lets it through, another one's handler does not.
bool Machine::NmiDeliverable(const Cpu& cpu) { return cpu.nmi_pending != 0 && cpu.pil < 15; }

bool Machine::MondoDeliverable(const Cpu& cpu) {
  return cpu.mondo_count != 0 && cpu.defer_mondo_until == 0;
}

bool Machine::Deliverable(int cpu) const {
  const Cpu& c = cpus_[cpu];
  if (c.ie == 0) return false;
  if (NmiDeliverable(c) || MondoDeliverable(c)) return true;
  return c.defer_until == 0 && c.pil < 15 && (c.softint >> (c.pil + 1)) != 0;
}

template <class Handler>
void Machine::InHandler(const Handler& handler) {
  Cpu& cpu = cpus_[hot_.cpu];
  const std::uint8_t actor = hot_.actor;
  const Wait wait = waits_[hot_.cpu];
  waits_[hot_.cpu] = Wait{};
  hot_.actor = CpuActor(hot_.cpu).byte();
  hot_.index = &index_[hot_.actor];
  ++cpu.interrupt_depth;
  RefreshUntil(*hot_.index);
  handler();
  // A handler never changes CPU: threads migrate, interrupts do not.
  --cpu.interrupt_depth;
  // The steps that could end a handler's own delay may not come for long.
  if (cpu.interrupt_depth == 0 && cpu.defer_actor == hot_.actor) cpu.defer_mondo_until = 0;
  hot_.actor = actor;
  hot_.index = &index_[actor];
  waits_[hot_.cpu] = wait;
  RefreshUntil(*hot_.index);
}

void Machine::DeliverInterrupts() {
  // A thread may be on another CPU after interrupt_return, so the CPU is looked up each time.
  while (Deliverable(hot_.cpu)) {
    Cpu& cpu = cpus_[hot_.cpu];
    const std::uint8_t pil = cpu.pil;
    if (NmiDeliverable(cpu)) {
      cpu.nmi_pending = 0;
      cpu.pil = 15;
      InHandler([&] {
        Action(SHOOTDOWN_SITE("nmi"), StepKind::kNmiTaken, 15);
        guest_.nmi();
      });
      cpu.pil = pil;
      continue;
    }
    if (MondoDeliverable(cpu)) {
      // Trap level 1: PSTATE.IE is 0 until `retry`. The receive register or queue slot is free again
      // once the data have been read, before the handler runs.
      cpu.ie = 0;
      InHandler([&] {
        const Mondo mondo = rings_[hot_.cpu].mondo[cpu.mondo_head];
        LogEntry& entry = Begin(*mondo.site, StepKind::kMondoTaken, kNoWord);
        entry.value = mondo.a0;
        entry.link = mondo.sent;
        if (mondo.sent != kNoRow) NoteConflict(mondo.sent, hot_.row - 1);
        cpu.mondo_head = static_cast<std::uint8_t>((cpu.mondo_head + 1) % kRingMax);
        --cpu.mondo_count;
        mondo.handler(mondo.a0, mondo.a1, mondo.a2);
        ++cpu.executed;
      });
      cpu.ie = 1;
      continue;
    }
    const int level = std::bit_width(cpu.softint) - 1;
    cpu.softint = static_cast<std::uint16_t>(cpu.softint & ~(1u << level));
    cpu.pil = kPilNormalMax;
    InHandler([&] {
      Action(SHOOTDOWN_SITE("softint"), StepKind::kSoftintTaken, static_cast<std::uint64_t>(level));
      guest_.softint(level);
      // Mondos that were held back by a nested trap are taken before the level drops.
    });
    cpu.pil = pil;
    if (cpu.interrupt_depth == 0 && guest_.interrupt_return != nullptr) guest_.interrupt_return();
  }
}

void Machine::SetIe(bool on) {
  cpus_[hot_.cpu].ie = on ? 1 : 0;
  if (on && Deliverable(hot_.cpu)) {
    DeliverInterrupts();
    RefreshUntil(*hot_.index);
  }
}

void Machine::SetPil(int level) {
  cpus_[hot_.cpu].pil = static_cast<std::uint8_t>(level);
  if (Deliverable(hot_.cpu)) {
    DeliverInterrupts();
    RefreshUntil(*hot_.index);
  }
}

void Machine::RaiseSoftint(int cpu, int level) {
  cpus_[cpu].softint = static_cast<std::uint16_t>(cpus_[cpu].softint | (1u << level));
}

bool Machine::MondoRoom(int target) const {
  const int room = config_.mondo_flavour == MondoFlavour::kSun4u ? 1 : config_.mondo_queue_entries;
  return cpus_[target].mondo_count < room;
}

bool Machine::SendMondo(const Site& site, int target, const Mondo& mondo) {
  LogEntry& entry = BeginDrained(site, StepKind::kMondoSend, kNoWord);
  entry.value = static_cast<std::uint64_t>(target);
  if (!MondoRoom(target)) {
    entry.kind = StepKind::kMondoNack;
    return false;
  }
  Cpu& cpu = cpus_[target];
  Mondo& slot = rings_[static_cast<std::size_t>(target)]
                    .mondo[static_cast<std::size_t>((cpu.mondo_head + cpu.mondo_count) % kRingMax)];
  slot = mondo;
  slot.site = &site;
  slot.sent = static_cast<Row>(&entry - log_.get());
  ++cpu.mondo_count;
  ++cpu.accepted;
  return true;
}

// ---- memory ----------------------------------------------------------------------------------------

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

void Machine::Fence(const Site& site) { BeginDrained(site, StepKind::kFence, kNoWord).value = 0; }

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

// The youngest held store to `word` of CPU `c`, or null.
const Machine::HeldStore* Machine::Forward(int c, const std::uint64_t* word) const {
  const Cpu& cpu = cpus_[c];
  const Rings& rings = rings_[static_cast<std::size_t>(c)];
  for (int i = cpu.buffer_count - 1; i >= 0; --i) {
    const HeldStore& held = rings.store[static_cast<std::size_t>((cpu.buffer_head + i) % kRingMax)];
    if (held.word == word) return &held;
  }
  return nullptr;
}

std::uint64_t Machine::LoadSlowly(const Site& site, const std::uint64_t* word) {
  LogEntry& entry = Begin(site, StepKind::kLoad, Arena::IndexOf(word));
  if (hot_.through_buffer) return LoadThroughBuffer(entry, word);
  entry.value = *word;
  NoteRead(entry.word, hot_.row - 1);
  return *word;
}

void Machine::StoreSlowly(const Site& site, std::uint64_t* word, std::uint64_t value) {
  LogEntry& entry = Begin(site, StepKind::kStore, Arena::IndexOf(word));
  entry.value = value;
  if (hot_.through_buffer) {
    BufferStore(entry, word, value);
    return;
  }
  NoteWrite(entry.word, hot_.row - 1);
  *word = value;
}

std::uint64_t Machine::LoadThroughBuffer(LogEntry& entry, const std::uint64_t* word) {
  if (const HeldStore* const held = Forward(hot_.cpu, word); held != nullptr) {
    entry.value = held->value;
    entry.flags = LogEntry::kForwarded;
    return held->value;
  }
  entry.value = *word;
  NoteRead(entry.word, static_cast<Row>(&entry - log_.get()));
  return *word;
}

void Machine::BufferStore(LogEntry& entry, std::uint64_t* word, std::uint64_t value) {
  Cpu& cpu = cpus_[hot_.cpu];
  entry.flags = LogEntry::kHeld;
  const Row row = static_cast<Row>(&entry - log_.get());
  HeldStore held{.word = word,
                 .value = value,
                 .row = row,
                 .expires = kNever,
                 .actor = hot_.actor,
                 .held = hot_.hold_next};
  if (hot_.hold_next && hot_.hold_arg != 0) held.expires = entry.index + hot_.hold_arg + 1;
  hot_.hold_next = false;
  if (cpu.buffer_count == config_.store_buffer_entries) DrainOne(hot_.cpu);
  rings_[hot_.cpu]
      .store[static_cast<std::size_t>((cpu.buffer_head + cpu.buffer_count) % kRingMax)] = held;
  ++cpu.buffer_count;
  hot_.through_buffer = true;
  DrainFollowers(hot_.cpu);
  RefreshUntil(*hot_.index);
}

void Machine::DrainOne(int c) {
  Cpu& cpu = cpus_[c];
  SHOOTDOWN_CHECK(cpu.buffer_count != 0);
  const HeldStore held = rings_[static_cast<std::size_t>(c)].store[cpu.buffer_head];
  cpu.buffer_head = static_cast<std::uint8_t>((cpu.buffer_head + 1) % kRingMax);
  --cpu.buffer_count;
  const WordIndex w = Arena::IndexOf(held.word);
  LogEntry& entry = log_[hot_.row++];
  entry = {.site = log_[held.row].site,
           .value = held.value,
           .word = w,
           .index = index_[BufferActor(c).byte()]++,
           .link = held.row,
           .kind = StepKind::kDrain,
           .cpu = static_cast<std::uint8_t>(c),
           .actor = BufferActor(c).byte(),
           .flags = 0};
  NoteWrite(w, hot_.row - 1);
  *held.word = held.value;
  if (c == hot_.cpu) hot_.through_buffer = cpu.buffer_count != 0 || hot_.hold_next;
}

// Stores that no decision holds leave as soon as nothing is before them.
void Machine::DrainFollowers(int c) {
  const Cpu& cpu = cpus_[c];
  while (cpu.buffer_count != 0 &&
         !rings_[static_cast<std::size_t>(c)].store[cpu.buffer_head].held) {
    DrainOne(c);
  }
}

void Machine::DrainAll(int cpu) {
  while (cpus_[cpu].buffer_count != 0) DrainOne(cpu);
}

// Stores whose time is up reach memory, and with them those before them.
void Machine::DrainExpired() {
  const Cpu& cpu = cpus_[hot_.cpu];
  int expired = 0;
  for (int i = 0; i < cpu.buffer_count; ++i) {
    const HeldStore& held =
        rings_[hot_.cpu].store[static_cast<std::size_t>((cpu.buffer_head + i) % kRingMax)];
    if (held.actor == hot_.actor && *hot_.index >= held.expires) expired = i + 1;
  }
  for (; expired > 0; --expired) DrainOne(hot_.cpu);
  DrainFollowers(hot_.cpu);
}

void Machine::Poison(const void* address, std::size_t bytes) {
  const WordIndex first = Arena::IndexOf(address);
  for (std::size_t i = 0; i < bytes / 8; ++i) {
    const auto w = static_cast<WordIndex>(first + i);
    shadow_[w].write = kPoisoned;
    poisoned_.push_back(w);
  }
}

void Machine::Poisoned(const Site& site, WordIndex word) {
  if (on_poison_ != nullptr) on_poison_(site, word);
}

std::string Machine::DescribeWaits() const {
  std::string text;
  for (int c = 0; c < config_.cpu_count; ++c) {
    const Wait& wait = waits_[static_cast<std::size_t>(c)];
    if (wait.pred == nullptr || wait.kind == WaitKind::kIdle) continue;
    const ActorId actor(cpus_[c].actor);
    if (!text.empty()) text += "; ";
    text += "CPU " + std::to_string(c) + " (" + actor.letter() + std::to_string(actor.number()) +
            ") waits in " + SiteName(*wait.site);
    if (cpus_[c].ie == 0) text += " with PSTATE.IE=0";
    if (cpus_[c].pil != 0) text += " at PIL " + std::to_string(cpus_[c].pil);
  }
  return text;
}

}  // namespace shootdown::sim
