#include "fuzz/kernel/arch/ia64/mmu_context.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"

namespace shootdown::kernel::ia64 {
namespace {

struct State {
  SpinLock lock;
  Cell<std::uint64_t> next;      // where the search for a number begins
  Cell<std::uint64_t> bitmap;    // numbers that are not to be given out, a bit each
  Cell<std::uint64_t> flushmap;  // those of them that nobody has any more, and TLBs still may
};
struct Cpu {
  Cell<std::uint64_t> need_tlb_flush;
};
struct Context {
  Cell<std::uint64_t> context;  // 0: none
  SpinLock flush_lock;
  // Ghost.
  std::uint64_t latest = 0;  // the value stored last, also if it is in a store buffer still
  std::uint64_t renumberings = 0;
};

State& ia64_ctx() { return *static_cast<State*>(Kernel::Get().globals->arch_data); }
Cpu& CpuData(int cpu) { return *static_cast<Cpu*>(Kernel::Get().cpus[cpu].arch_data); }
Context& ContextOf(const Mm* mm) { return *static_cast<Context*>(mm->context.other); }

constexpr std::uint64_t Bit(std::uint64_t number) { return std::uint64_t{1} << number; }

// The first number from `from` that is not in `map`; 64 or more if there is none.
std::uint64_t FindNextZero(std::uint64_t map, std::uint64_t from) {
  const auto max_ctx = static_cast<std::uint64_t>(sim::Machine::Get().config().context_count);
  for (std::uint64_t n = from; n < max_ctx; ++n) {
    if ((map & Bit(n)) == 0) return n;
  }
  return 64;
}

void delayed_tlb_flush() {
  Cell<std::uint64_t>& need_tlb_flush = CpuData(smp_processor_id()).need_tlb_flush;
  if (READ_ONCE(need_tlb_flush) == 0) return;
  SpinLock& lock = ia64_ctx().lock;
  const int pil = local_irq_save();
  spin_lock(&lock);
  if (READ_ONCE(need_tlb_flush) != 0) {
    tlb::LocalAll();
    WRITE_ONCE(need_tlb_flush, 0);
  }
  spin_unlock(&lock);
  local_irq_restore(pil);
}

// ia64_ctx.lock is held.
void wrap_mmu_context() {
  auto& [lock, next, bitmap, flushmap] = ia64_ctx();
  const std::uint64_t given_up = ATOMIC_RMW(flushmap, std::uint64_t{0});
  WRITE_ONCE(bitmap, READ_ONCE(bitmap) & ~given_up);
  for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
    Cell<std::uint64_t>& need_tlb_flush = CpuData(cpu).need_tlb_flush;
    if (cpu != smp_processor_id()) WRITE_ONCE(need_tlb_flush, 1);
  }
  tlb::LocalAll();
}

// ia64_ctx.lock is held.
std::uint64_t NewContext(Mm* mm) {
  auto& [lock, next, bitmap, flushmap] = ia64_ctx();
  WRITE_ONCE(mm->mm_cpumask, CpuBits{});
  const std::uint64_t from = READ_ONCE(next);
  std::uint64_t number = FindNextZero(READ_ONCE(bitmap), from);
  if (number == 64) {
    wrap_mmu_context();
    number = FindNextZero(READ_ONCE(bitmap), 1);
  }
  WRITE_ONCE(bitmap, READ_ONCE(bitmap) | Bit(number));
  WRITE_ONCE(next, number + 1);
  auto& [context, flush_lock, latest, renumberings] = ContextOf(mm);
  WRITE_ONCE(context, number);
  latest = number;
  Tell({.kind = EventKind::kContextAssigned, .mm = mm});
  return number;
}

std::uint64_t get_mmu_context(Mm* mm) {
  auto& [context, flush_lock, latest, renumberings] = ContextOf(mm);
  std::uint64_t number = READ_ONCE(context);
  if (number == 0) {
    SpinLock& lock = ia64_ctx().lock;
    const int pil = local_irq_save();
    spin_lock(&lock);
    number = READ_ONCE(context);
    if (number == 0) number = NewContext(mm);
    spin_unlock(&lock);
    local_irq_restore(pil);
  }
  // Old uses of the number go before it is used here.
  delayed_tlb_flush();
  return number;
}

}  // namespace

void BootContexts(Kernel& kernel) {
  sim::Machine& m = kernel.machine();
  auto* const shared = m.arena().Alloc<State>("ia64_ctx");
  shared->next.Init(1);
  shared->bitmap.Init(1);  // 0 is the kernel's
  kernel.globals->arch_data = shared;
  auto* const cpus =
      m.arena().Alloc<Cpu>("ia64_need_tlb_flush", static_cast<std::size_t>(m.cpu_count()));
  for (int c = 0; c < m.cpu_count(); ++c) kernel.cpus[c].arch_data = &cpus[c];
  InitContext(kernel, kernel.init_mm);
}

void InitContext(Kernel& kernel, Mm* mm) {
  mm->context.other =
      kernel.machine().arena().Alloc<Context>("mm" + std::to_string(mm->id) + ".context");
}

void DestroyContext(Mm* mm) {
  sim::Machine::Get().Poison(&ContextOf(mm).context, sizeof(ContextOf(mm).context));
}

void activate_context(Mm* mm) {
  auto& [context, flush_lock, latest, renumberings] = ContextOf(mm);
  std::uint64_t number = 0;
  do {
    number = get_mmu_context(mm);
    const int cpu = smp_processor_id();
    if (!READ_ONCE(mm->mm_cpumask).Has(cpu)) ATOMIC_RMW(mm->mm_cpumask, old.With(cpu));
    sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("region registers"),
                                       Ctx(static_cast<std::uint16_t>(number)));
    this_cpu().hardware_mm = mm;
  } while (READ_ONCE(context) != number);  // another thread has flushed the mm
}

void switch_mm(Mm* /*prev*/, Mm* next) {
  delayed_tlb_flush();
  this_cpu().pgd_paddr = next->pgd;
  if (next != Kernel::Get().init_mm) return activate_context(next);
  sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("region registers"), Ctx(0));
  this_cpu().hardware_mm = next;
}

void GiveUpContext(Mm* mm) {
  auto& [context, flush_lock, latest, renumberings] = ContextOf(mm);
  latest = 0;
  const std::uint64_t number = ATOMIC_RMW(context, std::uint64_t{0});
  if (number != 0) ATOMIC_RMW(ia64_ctx().flushmap, old | Bit(number));
}

SpinLock& FlushLock(Mm* mm) { return ContextOf(mm).flush_lock; }

Renumbering::Renumbering(Mm* mm) : mm_(mm) { ++ContextOf(mm_).renumberings; }
Renumbering::~Renumbering() { --ContextOf(mm_).renumberings; }

Ctx NumberOf(const Mm* mm, int cpu) {
  const Context& context = ContextOf(mm);
  if (context.renumberings != 0 && Kernel::Get().cpus[cpu].hardware_mm == mm) {
    return sim::Machine::Get().secondary(cpu);
  }
  return Ctx(static_cast<std::uint16_t>(context.latest));
}

bool Valid(const Mm* mm, int /*cpu*/) { return ContextOf(mm).latest != 0; }

}  // namespace shootdown::kernel::ia64
