// Source: Linux 2.6.16 and 6.6 arch/ia64/mm/tlb.c, kernel/smp.c, include/asm/tlbflush.h, tlb.h.
// Left out: the purge of this CPU alone where mm_cpumask names one CPU. It does not ask which, and
// a kernel thread that has borrowed the mm would purge the wrong one, before cfbb1426bd76 and after
// it.
#include "fuzz/kernel/arch/ia64/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/ia64/mmu_context.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::ia64 {
namespace {

// cfbb1426bd76 (2.6.16): a purge names the number that the CPU has loaded. A kernel thread has the
// one of the mm that it has borrowed, as it was then: the owner may have got another meanwhile.
enum PurgeVersion { kAllIfBorrowed, kWhatIsLoaded };
VersionSwitch purge_version("ia64.global_tlb_purge", {"all_if_borrowed", "what_is_loaded"},
                            "cfbb1426bd76 [IA64] Hole in IA64 TLB flushing from system threads");

void OnEachCpu(void (*f)(std::uint64_t), std::uint64_t info) {
  smp_call_function_many(AllCpus(), f, info, /*wait=*/true);
  const int pil = local_irq_save();
  f(info);
  local_irq_restore(pil);
}

void local_finish_flush_tlb_mm(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  if (READ_ONCE(current()->active_mm) != mm) return;
  const std::uint64_t in_switch = this_cpu().in_switch;
  this_cpu().in_switch = 1;
  activate_context(mm);
  this_cpu().in_switch = in_switch;
}

// Entries under the old number stay, for nobody. With one user left, and that the caller, nobody is
// told: whoever borrows the mm keeps the old number loaded, and loads the new one when it comes to
// use it.
void flush_tlb_mm(Mm* mm) {
  spin_lock(&FlushLock(mm));
  const page_table::FlushRecord record(mm);
  const Renumbering renumbering(mm);
  GiveUpContext(mm);
  if (READ_ONCE(mm->mm_users) == 0) return spin_unlock(&FlushLock(mm));  // exit_mmap
  if (READ_ONCE(current()->active_mm) == mm && READ_ONCE(mm->mm_users) == 1) {
    const int pil = local_irq_save();
    local_finish_flush_tlb_mm(reinterpret_cast<std::uint64_t>(mm));
    local_irq_restore(pil);
  } else {
    OnEachCpu(&local_finish_flush_tlb_mm, reinterpret_cast<std::uint64_t>(mm));
  }
  record.DoneAll();
  spin_unlock(&FlushLock(mm));
}

void local_flush_tlb_all(std::uint64_t /*info*/) { tlb::LocalAll(); }

void ia64_global_tlb_purge(Mm* mm, VirtPage first, int count) {
  const bool borrowed = READ_ONCE(current()->mm) == nullptr;
  if (READ_ONCE(current()->active_mm) != mm ||
      (borrowed && purge_version.value() == kAllIfBorrowed)) {
    return OnEachCpu(&local_flush_tlb_all, 0);
  }
  sim::Machine& m = sim::Machine::Get();
  tlb::BroadcastRange(m.secondary(m.cpu()), first, count);  // ptc.ga
}

void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  spin_lock(&FlushLock(mm));
  const page_table::FlushRecord record(mm);
  ia64_global_tlb_purge(mm, first, count);
  record.Done(first, count);
  spin_unlock(&FlushLock(mm));
}

}  // namespace

extern const Arch kArch = {
    .name = "ia64",
    .what =
        "one context number an mm, which a flush of the whole mm replaces; purges name what is "
        "loaded",
    .boot = &BootContexts,
    .boot_mm = &InitContext,
    .switch_mm = &switch_mm,
    .destroy_context = &DestroyContext,
    .ptep_get_and_clear = &page_table::atomic::ptep_get_and_clear,
    .flush_tlb_mm = &flush_tlb_mm,
    .flush_tlb_range = &flush_tlb_range,
    .uses_mm_cpumask = false,
    .spare_contexts = kMmCountMax,  // an mm keeps its number
    .context_number = &NumberOf,
    .context_valid = &Valid,
};

}  // namespace shootdown::kernel::ia64
