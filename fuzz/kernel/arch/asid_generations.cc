#include "fuzz/kernel/arch/asid_generations.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::asid_generations {
namespace {

// a8ffaaa060b8 (4.15): a CPU whose active ASID a rollover has just taken away must not put it back: the
// rollover has not seen it as in use. It mended arm64 alone; arm of 6.12 is as it was.
enum FastPath { kKeepZero, kReplaceZero };
VersionSwitch fast_path("asid.fast_path", {"keep_zero", "replace_zero"},
                        "a8ffaaa060b8 arm64: asid: Do not replace active_asids if already 0");

// 37f47e3d6253 (3.9): a CPU's ASID became active before its TLB was flushed. Both values are correct here:
// until cpu_asid_lock is released this CPU runs nobody else, and no other CPU takes its fast path by what is
// this one's active ASID (corpus/7.12-active-asid-before-flush.textproto).
enum ActiveVersion { kAfterFlush, kBeforeFlush };
VersionSwitch active_version("asid.active_asids", {"after_flush", "before_flush"},
                             "37f47e3d6253 ARM: mm: fix race updating mm->context.id on ASID rollover");

struct State {
  SpinLock cpu_asid_lock;
  Cell<std::uint64_t> asid_generation;  // bits above the number
  Cell<std::uint64_t> asid_map;         // numbers in use, a bit each; 0 is nobody's
  Cell<std::uint64_t> cur_idx;
  Cell<CpuBits> tlb_flush_pending;
};
struct Cpu {
  Cell<std::uint64_t> active_asid;
  Cell<std::uint64_t> reserved_asid;
};
struct Context {
  Cell<std::uint64_t> id;
  std::uint64_t latest = 0;  // ghost: the value stored last, also if it is in a store buffer still
};

State& state() { return *static_cast<State*>(Kernel::Get().globals->arch_data); }
Cpu& CpuData(int cpu) { return *static_cast<Cpu*>(Kernel::Get().cpus[cpu].arch_data); }
Context& ContextOf(const Mm* mm) { return *static_cast<Context*>(mm->context.other); }

std::uint64_t AsidCount() {
  return static_cast<std::uint64_t>(sim::Machine::Get().config().context_count);
}
std::uint64_t Number(std::uint64_t asid) { return asid & (AsidCount() - 1); }
std::uint64_t Generation(std::uint64_t asid) { return asid & ~(AsidCount() - 1); }

// The first number from `from` that is not in `map`; AsidCount() if there is none.
std::uint64_t FindNextZero(std::uint64_t map, std::uint64_t from) {
  for (std::uint64_t n = from; n < AsidCount(); ++n) {
    if ((map >> n & 1) == 0) return n;
  }
  return AsidCount();
}

void flush_context() {
  auto& [cpu_asid_lock, asid_generation, asid_map, cur_idx, tlb_flush_pending] = state();
  std::uint64_t map = 1;
  for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
    auto& [active_asid, reserved_asid] = CpuData(cpu);
    std::uint64_t asid = ATOMIC_RMW(active_asid, std::uint64_t{0});
    // Through a rollover already, and has not switched since: the reserved one is what it still runs.
    if (asid == 0) asid = READ_ONCE(reserved_asid);
    map |= std::uint64_t{1} << Number(asid);
    WRITE_ONCE(reserved_asid, asid);
  }
  WRITE_ONCE(asid_map, map);
  WRITE_ONCE(tlb_flush_pending, AllCpus());
}

bool check_update_reserved_asid(std::uint64_t asid, std::uint64_t new_asid) {
  bool hit = false;
  for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
    auto& [active_asid, reserved_asid] = CpuData(cpu);
    if (READ_ONCE(reserved_asid) != asid) continue;
    hit = true;
    WRITE_ONCE(reserved_asid, new_asid);
  }
  return hit;
}

// cpu_asid_lock is held.
std::uint64_t new_context(Mm* mm) {
  auto& [cpu_asid_lock, asid_generation, asid_map, cur_idx, tlb_flush_pending] = state();
  const std::uint64_t asid = READ_ONCE(ContextOf(mm).id);
  std::uint64_t generation = READ_ONCE(asid_generation);
  if (asid != 0) {
    const std::uint64_t new_asid = generation | Number(asid);
    if (check_update_reserved_asid(asid, new_asid)) return new_asid;
    const std::uint64_t map = READ_ONCE(asid_map);
    if ((map >> Number(asid) & 1) == 0) {
      WRITE_ONCE(asid_map, map | std::uint64_t{1} << Number(asid));
      return new_asid;
    }
  }
  const std::uint64_t from = READ_ONCE(cur_idx);
  std::uint64_t number = FindNextZero(READ_ONCE(asid_map), from);
  if (number == AsidCount()) {
    generation = ATOMIC_RMW(asid_generation, old + AsidCount()) + AsidCount();
    flush_context();
    number = FindNextZero(READ_ONCE(asid_map), 1);
  }
  WRITE_ONCE(asid_map, READ_ONCE(asid_map) | std::uint64_t{1} << number);
  WRITE_ONCE(cur_idx, number);
  return number | generation;
}

// No lock: the mm's ASID is current, and this CPU's is not being taken away.
bool SwitchFast(std::uint64_t asid) {
  if (Generation(asid) != READ_ONCE(state().asid_generation)) return false;
  auto& [active_asid, reserved_asid] = CpuData(smp_processor_id());
  if (fast_path.value() == kReplaceZero) return ATOMIC_RMW(active_asid, asid) != 0;
  const std::uint64_t before = READ_ONCE(active_asid);
  return before != 0 && ATOMIC_RMW(active_asid, old == before ? asid : old) == before;
}

void FlushIfPending() {
  Cell<CpuBits>& tlb_flush_pending = state().tlb_flush_pending;
  const int cpu = smp_processor_id();
  if (ATOMIC_RMW(tlb_flush_pending, old.Without(cpu)).Has(cpu)) tlb::LocalAll();
}

std::uint64_t SwitchSlowly(Mm* mm) {
  auto& [active_asid, reserved_asid] = CpuData(smp_processor_id());
  SpinLock& cpu_asid_lock = state().cpu_asid_lock;
  const int pil = local_irq_save();
  spin_lock(&cpu_asid_lock);
  auto& [id, latest] = ContextOf(mm);
  std::uint64_t asid = READ_ONCE(id);
  if (Generation(asid) != READ_ONCE(state().asid_generation)) {
    asid = new_context(mm);
    WRITE_ONCE(id, asid);
    latest = asid;
    Tell({.kind = EventKind::kContextAssigned, .mm = mm});
  }
  if (active_version.value() == kBeforeFlush) WRITE_ONCE(active_asid, asid);
  FlushIfPending();
  if (active_version.value() == kAfterFlush) WRITE_ONCE(active_asid, asid);
  spin_unlock(&cpu_asid_lock);
  local_irq_restore(pil);
  return asid;
}

}  // namespace

void Boot(Kernel& kernel) {
  sim::Machine& m = kernel.machine();
  auto* const shared = m.arena().Alloc<State>("asid");
  shared->asid_generation.Init(AsidCount());
  shared->asid_map.Init(1);
  shared->cur_idx.Init(1);
  kernel.globals->arch_data = shared;
  auto* const cpus = m.arena().Alloc<Cpu>("asids", static_cast<std::size_t>(m.cpu_count()));
  for (int c = 0; c < m.cpu_count(); ++c) kernel.cpus[c].arch_data = &cpus[c];
  InitContext(kernel, kernel.init_mm);
}

void InitContext(Kernel& kernel, Mm* mm) {
  mm->context.other =
      kernel.machine().arena().Alloc<Context>("mm" + std::to_string(mm->id) + ".context");
}

void DestroyContext(Mm* mm) {
  sim::Machine::Get().Poison(&ContextOf(mm).id, sizeof(ContextOf(mm).id));
}

void check_and_switch_context(Mm* mm) {
  auto& [id, latest] = ContextOf(mm);
  std::uint64_t asid = READ_ONCE(id);
  if (!SwitchFast(asid)) asid = SwitchSlowly(mm);
  // cpu_switch_mm(): reads the mm's ASID anew.
  sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("TTBR"), ASID(mm));
  this_cpu().pgd_paddr = mm->pgd;
  this_cpu().hardware_mm = mm;
}

Ctx ASID(Mm* mm) {
  auto& [id, latest] = ContextOf(mm);
  return Ctx(static_cast<std::uint16_t>(Number(READ_ONCE(id))));
}

Ctx NumberOf(const Mm* mm, int /*cpu*/) {
  return Ctx(static_cast<std::uint16_t>(Number(ContextOf(mm).latest)));
}

bool Valid(const Mm* mm, int /*cpu*/) {
  return Generation(ContextOf(mm).latest) == state().asid_generation.Peek();
}

}  // namespace shootdown::kernel::asid_generations
