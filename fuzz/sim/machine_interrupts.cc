// Non-maskable interrupts, mondos and softints of Machine: sent, pending, taken.
#include <bit>

#include "fuzz/sim/machine.h"

namespace shootdown::sim {
namespace {

// No function of the guest's takes these: they go by the names of the traps (UltraSPARC-I User's Manual, 8.3).
constexpr Site kNmiSite{"interrupt_level_15", "nmi", &FormatNumber};
constexpr Site kSoftintSite{"interrupt_level_n", "softint", &FormatNumber};

// Interrupts are let in (Machine::MarkBehind).
constexpr std::uint64_t kUnmasked = 1;

}  // namespace

bool Machine::HoldsInterruptBack(int cpu) const {
  const Cpu& c = cpus_[cpu];
  return (c.defer_mondo_until != 0 && c.mondo_count != 0) || (c.defer_until != 0 && c.softint != 0);
}

template <class Handler>
void Machine::InHandler(std::uint8_t pil, const Handler& handler) {
  Cpu& cpu = cpus_[hot_.cpu];
  const std::uint16_t actor = hot_.actor;
  const Wait* const wait = waits_[hot_.cpu];
  waits_[hot_.cpu] = nullptr;
  hot_.actor = CpuActor(hot_.cpu).code();
  hot_.index = &index_[IndexSlot(hot_.actor)];
  ++cpu.interrupt_depth;
  RefreshUntil(*hot_.index);
  // It tells the code that it interrupts nothing but what memory tells.
  MarkMemory(MemoryMark::Kind::kEnter, 0);
  MarkMemory(MemoryMark::Kind::kLearn, pil);  // the level that it gives back
  handler();
  MarkMemory(MemoryMark::Kind::kLeave, 0);
  // A handler never changes CPU: threads migrate, interrupts do not.
  --cpu.interrupt_depth;
  // The steps that could end a handler's own delay may not come for long.
  if (cpu.interrupt_depth == 0 && cpu.defer_actor == hot_.actor) cpu.defer_mondo_until = 0;
  hot_.actor = actor;
  hot_.index = &index_[IndexSlot(actor)];
  waits_[hot_.cpu] = wait;
  RefreshUntil(*hot_.index);
}

void Machine::DeliverInterrupts() {
  // A thread may be on another CPU after interrupt_return, so the CPU is looked up each time.
  while (Deliverable(hot_.cpu)) {
    Cpu& cpu = cpus_[hot_.cpu];
    const std::uint8_t pil = cpu.pil;
    // interrupt_vector (priority 16) comes before interrupt_level_15 (32 - 15 = 17; UltraSPARC-I User's Manual,
    // 8.3, trap table); and an NMI's handler has PSTATE.IE on, so that a mondo would not wait for its end either.
    if (MondoDeliverable(cpu)) {
      // Trap level 1: PSTATE.IE is 0 until `retry`. The receive register or queue slot is free again
      // once the data have been read, before the handler runs.
      cpu.ie = 0;
      InHandler(pil, [&] {
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
    if (NmiDeliverable(cpu)) {
      cpu.nmi_pending = 0;
      cpu.pil = 15;
      InHandler(pil, [&] {
        Action(kNmiSite, StepKind::kNmiTaken, 15);
        guest_.nmi();
      });
      cpu.pil = pil;
      continue;
    }
    const int level = std::bit_width(cpu.softint) - 1;
    cpu.softint = static_cast<std::uint16_t>(cpu.softint & ~(1u << level));
    cpu.pil = kPilNormalMax;
    InHandler(pil, [&] {
      MarkMemory(MemoryMark::Kind::kLearn, static_cast<std::uint64_t>(level));
      Action(kSoftintSite, StepKind::kSoftintTaken, static_cast<std::uint64_t>(level));
      guest_.softint(level);
      // Mondos that were held back by a nested trap are taken before the level drops.
    });
    cpu.pil = pil;
    if (cpu.interrupt_depth == 0 && guest_.interrupt_return != nullptr) {
      MarkMemory(MemoryMark::Kind::kEnter, 0);
      guest_.interrupt_return();
      MarkMemory(MemoryMark::Kind::kLeave, 0);
    }
  }
}

void Machine::SetIe(bool on) {
  cpus_[hot_.cpu].ie = on ? 1 : 0;
  if (!on) return;
  if (Deliverable(hot_.cpu)) {
    DeliverInterrupts();
    RefreshUntil(*hot_.index);
  }
  MarkBehind(kUnmasked);
}

void Machine::SetPil(int level) {
  cpus_[hot_.cpu].pil = static_cast<std::uint8_t>(level);
  if (Deliverable(hot_.cpu)) {
    DeliverInterrupts();
    RefreshUntil(*hot_.index);
  }
  if (level < kPilNormalMax) MarkBehind(kUnmasked);
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

}  // namespace shootdown::sim
