#include "fuzz/kernel/arch/sparc64/hugetlb.h"

#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::sparc64 {
namespace {

// Up to 6.12 nobody waits for the CPUs that are told to reload their context register, and what
// they put into their TLBs until then stays. The repair waits, outside of ctx_alloc_lock, and has
// them flush.
enum ReloadVersion { kWait, kNoWait };
VersionSwitch reload_version("sparc64.hugetlb_setup", {"wait", "no_wait"},
                             "Linux 4.19 arch/sparc/mm/init_64.c hugetlb_setup");

void context_reload(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  const CtxValue ctx = READ_ONCE(mm->context.sparc64_ctx_val);
  if (READ_ONCE(current()->mm) == mm) {
    sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("SECONDARY"), ctx.number());
    this_cpu().page_sizes = ctx.page_sizes();
  }
  if (reload_version.value() == kWait) __flush_tlb_mm(ctx.number());
}

void on_each_cpu(Mm* mm, bool wait) {
  preempt_disable();
  smp_call_function_many(AllCpus(), &context_reload, reinterpret_cast<std::uint64_t>(mm), wait);
  const int pil = local_irq_save();
  context_reload(reinterpret_cast<std::uint64_t>(mm));
  local_irq_restore(pil);
  preempt_enable();
}

}  // namespace

void hugetlb_setup() {
  Mm* const mm = READ_ONCE(current()->mm);
  SpinLock& ctx_alloc_lock = Kernel::Get().globals->context.ctx_alloc_lock;
  const int pil = local_irq_save();
  spin_lock(&ctx_alloc_lock);
  const CtxValue ctx = READ_ONCE(mm->context.sparc64_ctx_val);
  const CtxValue next{ctx.bits | std::uint64_t{1} << 16};
  if (next != ctx) {
    smp_flush_tlb_mm(mm);
    WRITE_ONCE(mm->context.sparc64_ctx_val, next);
    if (reload_version.value() == kNoWait) on_each_cpu(mm, /*wait=*/false);
  }
  spin_unlock(&ctx_alloc_lock);
  local_irq_restore(pil);
  if (reload_version.value() == kWait) on_each_cpu(mm, /*wait=*/true);
  mm->context.page_sizes_told = next.page_sizes();
}

}  // namespace shootdown::kernel::sparc64
