#include "fuzz/kernel/arch/sparc64/old_wrap.h"

#include <optional>

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
  auto& [ctx_alloc_lock, tlb_context_cache, mmu_context_bmap] = Kernel::Get().globals->context;
  spin_lock(&ctx_alloc_lock);
  CtxValue cache = READ_ONCE(tlb_context_cache);
  std::uint64_t used = READ_ONCE(mmu_context_bmap);
  const std::optional<int> free = FreeContextNumber(used, cache.number());
  const bool wrapped = !free.has_value();
  if (wrapped) {
    // Numbers that CPUs have loaded are given out again from here on.
    cache = CtxValue{cache.version() + CtxValue::kFirstVersion};
    used = 1;
  }
  const int number = free.value_or(1);
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
