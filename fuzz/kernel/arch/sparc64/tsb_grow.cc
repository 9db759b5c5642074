#include "fuzz/kernel/arch/sparc64/tsb_grow.h"

#include "fuzz/kernel/arch/sparc64/tsb.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::sparc64 {
namespace {

// While CPUs still miss through the old table, a flush that cleans the new one alone leaves them
// an old translation. Up to 6.12 it does; the repair has flushes clean both until all have been
// told.
enum GrowVersion { kFlushBoth, kFlushNew };
VersionSwitch grow_version("sparc64.tsb_grow", {"flush_both", "flush_new"},
                           "Linux 4.19 arch/sparc/mm/tsb.c tsb_grow, flush_tsb_user");

// Not by current->active_mm, which does not change together with the hardware.
void tsb_sync(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  PerCpu& pc = this_cpu();
  if (pc.pgd_paddr == mm->pgd) pc.tsb = READ_ONCE(mm->context.tsb);
}

void smp_tsb_sync(Mm* mm) {
  preempt_disable();
  const CpuBits mask = READ_ONCE(mm->mm_cpumask);
  smp_call_function_many(mask, &tsb_sync, reinterpret_cast<std::uint64_t>(mm), /*wait=*/true);
  preempt_enable();
}

// mm->context.lock is held. Each old entry is read as the miss handler does, tag and pte at once.
void copy_tsb(const TsbEntry* old_tsb, TsbEntry* new_tsb) {
  for (int i = 0; i < Kernel::Get().tsb_entries; ++i) {
    const TsbEntry& from = old_tsb[i];
    const std::uint64_t tag = from.tag.Load(SHOOTDOWN_SITE_AS("old_tsb->tag", &FormatTsbTag));
    if ((tag & (TsbEntry::kLock | TsbEntry::kInvalid)) != 0) continue;
    tsb_write(&new_tsb[i], VirtPage(static_cast<std::uint8_t>(tag)), from.pte.PeekOwn(),
              from.ghost);
  }
}

}  // namespace

void tsb_grow(SpareTsb* spare) {
  Mm* const mm = READ_ONCE(current()->mm);
  if (ATOMIC_RMW(spare->used, std::uint64_t{1}) != 0) return;
  TsbEntry* const new_tsb = spare->entries;
  for (int i = 0; i < Kernel::Get().tsb_entries; ++i) {
    new_tsb[i].tag.Store(SHOOTDOWN_SITE_AS("new_tsb->tag", &FormatTsbTag), TsbEntry::kInvalid);
  }
  int pil = local_irq_save();
  spin_lock(&mm->context.lock);
  TsbEntry* const old_tsb = READ_ONCE(mm->context.tsb);
  if (READ_ONCE(mm->context.tsb_retiring) != nullptr) {
    // Somebody else grows it right now, and the repair remembers one old table. Linux has who comes second
    // find that the limit has risen; here each caller has a table that is larger still.
    spin_unlock(&mm->context.lock);
    local_irq_restore(pil);
    return;
  }
  copy_tsb(old_tsb, new_tsb);
  if (grow_version.value() == kFlushBoth) WRITE_ONCE(mm->context.tsb_retiring, old_tsb);
  WRITE_ONCE(mm->context.tsb, new_tsb);
  spin_unlock(&mm->context.lock);
  local_irq_restore(pil);

  // tsb_context_switch(), on whatever CPU the task is by now: what is there by now, maybe another one's.
  // SECONDARY stays as it is.
  sim::Machine& m = sim::Machine::Get();
  m.SetIe(false);
  this_cpu().tsb = READ_ONCE(mm->context.tsb);
  m.SetIe(true);
  smp_tsb_sync(mm);

  if (grow_version.value() == kFlushBoth) {
    pil = local_irq_save();
    spin_lock(&mm->context.lock);
    WRITE_ONCE(mm->context.tsb_retiring, nullptr);
    spin_unlock(&mm->context.lock);
    local_irq_restore(pil);
  }
  Tell({.kind = EventKind::kTsbFreed, .mm = mm, .object = old_tsb});
  tsb_free(old_tsb);
}

}  // namespace shootdown::kernel::sparc64
