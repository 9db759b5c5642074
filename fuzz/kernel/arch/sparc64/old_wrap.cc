#include "fuzz/kernel/arch/sparc64/old_wrap.h"

#include <bit>

#include "fuzz/kernel/arch/sparc64/mmu_context.h"
#include "fuzz/kernel/arch/sparc64/smp.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"

namespace shootdown::kernel::sparc64 {
namespace {

void xcall_new_mmu_context_version(std::uint64_t, std::uint64_t, std::uint64_t) {
  sim::Machine::Get().RaiseSoftint(smp_processor_id(), kPilContextNewVersion);
}

}  // namespace

void get_new_mmu_context_before_2017(Mm* mm, bool notify) {
  sim::Machine& m = sim::Machine::Get();
  auto& [ctx_alloc_lock, tlb_context_cache, mmu_context_bmap] = Kernel::Get().globals->context;
  const int count = m.config().context_count;
  spin_lock(&ctx_alloc_lock);
  CtxValue cache = READ_ONCE(tlb_context_cache);
  std::uint64_t used = READ_ONCE(mmu_context_bmap);
  const std::uint64_t all = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  const std::uint64_t open = ~used & all;
  const int last = cache.number().value();
  const std::uint64_t after = last >= 63 ? 0 : open >> (last + 1) << (last + 1);
  const bool wrapped = open == 0;
  int number = 1;
  if (wrapped) {
    // Numbers that CPUs have loaded are given out again from here on.
    cache = CtxValue{cache.version() + CtxValue::kFirstVersion};
    used = 1;
  } else {
    number = std::countr_zero(after != 0 ? after : open);
  }
  WRITE_ONCE(mmu_context_bmap, used | std::uint64_t{1} << number);
  const CtxValue value{cache.version() | static_cast<std::uint64_t>(number)};
  WRITE_ONCE(tlb_context_cache, value);
  WRITE_ONCE(mm->context.sparc64_ctx_val, value);
  Tell({.kind = EventKind::kContextAssigned, .mm = mm});
  spin_unlock(&ctx_alloc_lock);
  if (!wrapped || !notify) return;
  xcall_deliver(SHOOTDOWN_SITE("xcall_new_mmu_context_version"), &xcall_new_mmu_context_version, 0,
                0, 0, AllCpus());
}

// By current->active_mm, whatever the hardware has loaded.
void smp_new_mmu_context_version_client() {
  Mm* const mm = READ_ONCE(current()->active_mm);
  if (mm == nullptr || mm == Kernel::Get().init_mm) return;
  spin_lock(&mm->context.lock);
  if (!CTX_VALID(mm)) get_new_mmu_context(mm);
  spin_unlock(&mm->context.lock);
  const Ctx ctx = READ_ONCE(mm->context.sparc64_ctx_val).number();
  sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("SECONDARY"), ctx);
  this_cpu().hardware_mm = mm;
  __flush_tlb_mm(ctx);
}

}  // namespace shootdown::kernel::sparc64
