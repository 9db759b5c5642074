#include "fuzz/kernel/arch/sparc64/mmu_context.h"

#include <bit>

#include "fuzz/kernel/arch/sparc64/old_wrap.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/arch/sparc64/tsb.h"
#include "fuzz/kernel/arch/sparc64/trim.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::sparc64 {
namespace {

// a0582f26ec9d (2017): before it a wrap told all CPUs to get new numbers, and did not wait for them;
// and before a0663a79ad4f (2006) it told nobody.
enum WrapVersion { kNewWrap, kOldWrap, kUnnotified };
VersionSwitch wrap_version("sparc64.wrap", {"new", "old", "unnotified"},
                           "a0582f26ec9d sparc64: new context wrap; a0663a79ad4f [SPARC64]: Fix TLB "
                           "context allocation with SMT style shared TLBs");

// 588974857359 (2017): before it, an mm that got a new number kept the bits of CPUs whose TLBs have
// other mms' entries under that number.
enum MaskVersion { kReset, kKeep };
VersionSwitch mask_version("sparc64.mask_after_wrap", {"reset", "keep"},
                           "588974857359 sparc64: reset mm cpumask after wrap");

// Bumps the version, and takes along the mms that CPUs have loaded: they keep their numbers.
// ctx_alloc_lock is held; no lock of any mm, no cross call, no flush.
void mmu_context_wrap() {
  Kernel& k = Kernel::Get();
  auto& [ctx_alloc_lock, tlb_context_cache, mmu_context_bmap] = k.globals->context;
  WRITE_ONCE(mmu_context_bmap, 1);
  const CtxValue cache = READ_ONCE(tlb_context_cache);
  const std::uint64_t old_version = cache.version();
  const CtxValue next{old_version + CtxValue::kFirstVersion};
  WRITE_ONCE(tlb_context_cache, next);
  smp_mb();
  for (int cpu = 0; cpu < k.machine().cpu_count(); ++cpu) {
    Cell<Mm*>& per_cpu_secondary_mm = k.cpus[cpu].secondary_mm;
    Mm* const mm = READ_ONCE(per_cpu_secondary_mm);
    if (mm == nullptr || mm == k.init_mm) continue;
    const CtxValue ctx = READ_ONCE(mm->context.sparc64_ctx_val);
    if (ctx.version() != old_version) continue;
    WRITE_ONCE(mmu_context_bmap,
               READ_ONCE(mmu_context_bmap) | std::uint64_t{1} << ctx.number().value());
    WRITE_ONCE(mm->context.sparc64_ctx_val,
               CtxValue{next.bits | ctx.page_sizes() << 16 | ctx.number().value()});
    Tell({.kind = EventKind::kContextAssigned, .mm = mm});
  }
}

}  // namespace

bool CTX_VALID(Mm* mm) {
  Cell<CtxValue>& tlb_context_cache = Kernel::Get().globals->context.tlb_context_cache;
  const CtxValue ctx = READ_ONCE(mm->context.sparc64_ctx_val);
  return ctx.version() == READ_ONCE(tlb_context_cache).version();
}

std::optional<int> FreeContextNumber(std::uint64_t used, Ctx last) {
  const int count = sim::Machine::Get().config().context_count;
  const std::uint64_t all = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  const std::uint64_t open = ~used & all;
  if (open == 0) return std::nullopt;
  const std::uint64_t after = last.value() >= 63 ? 0 : open >> (last.value() + 1) << (last.value() + 1);
  return std::countr_zero(after != 0 ? after : open);
}

void switch_mm(Mm* old_mm, Mm* mm) {
  Kernel& k = Kernel::Get();
  sim::Machine& m = sim::Machine::Get();
  const int cpu = smp_processor_id();
  PerCpu& pc = this_cpu();
  Cell<Mm*>& per_cpu_secondary_mm = pc.secondary_mm;
  WRITE_ONCE(per_cpu_secondary_mm, mm);
  if (mm == k.init_mm) return;  // the hardware keeps the user mm before
  if (ShortCutInSwitchMm() && old_mm == mm) return;
  const int pil = local_irq_save();
  spin_lock(&mm->context.lock);
  const bool valid = CTX_VALID(mm);
  if (!valid) get_new_mmu_context(mm);
  const CtxValue ctx = READ_ONCE(mm->context.sparc64_ctx_val);
  m.SetIe(false);
  m.WriteSecondary(SHOOTDOWN_SITE("SECONDARY"), ctx.number());
  pc.pgd_paddr = mm->pgd;
  pc.tsb = READ_ONCE(mm->context.tsb);
  pc.page_sizes = ctx.page_sizes();
  pc.hardware_mm = mm;
  m.SetIe(true);
  if (!valid || !READ_ONCE(mm->mm_cpumask).Has(cpu)) {
    ATOMIC_RMW(mm->mm_cpumask, old.With(cpu));
    CountActiveCpu(mm);
    __flush_tlb_mm(ctx.number());
  }
  pc.bit_tested = mm;
  spin_unlock(&mm->context.lock);
  local_irq_restore(pil);
  pc.bit_tested = nullptr;
}

void load_nucleus_mm() {
  Kernel& k = Kernel::Get();
  sim::Machine& m = sim::Machine::Get();
  PerCpu& pc = this_cpu();
  m.SetIe(false);
  m.WriteSecondary(SHOOTDOWN_SITE("SECONDARY"), Ctx(0));
  pc.pgd_paddr = nullptr;
  pc.tsb = nullptr;
  pc.hardware_mm = k.init_mm;
  m.SetIe(true);
  Cell<Mm*>& per_cpu_secondary_mm = pc.secondary_mm;
  WRITE_ONCE(per_cpu_secondary_mm, k.init_mm);
}

void get_new_mmu_context(Mm* mm) {
  if (wrap_version.value() != kNewWrap) {
    get_new_mmu_context_before_2017(mm, /*notify=*/wrap_version.value() == kOldWrap);
    return;
  }
  auto& [ctx_alloc_lock, tlb_context_cache, mmu_context_bmap] = Kernel::Get().globals->context;
  spin_lock(&ctx_alloc_lock);
  for (;;) {
    if (CTX_VALID(mm)) break;  // a wrap on another CPU has revived it
    const CtxValue cache = READ_ONCE(tlb_context_cache);
    const std::uint64_t used = READ_ONCE(mmu_context_bmap);
    const std::optional<int> number = FreeContextNumber(used, cache.number());
    if (!number.has_value()) {
      mmu_context_wrap();
      continue;
    }
    const CtxValue ctx = READ_ONCE(mm->context.sparc64_ctx_val);
    if (mask_version.value() == kReset && ctx.bits != 0) {
      // Entries that other CPUs have are tagged with the old number.
      const CpuBits before = READ_ONCE(mm->mm_cpumask);
      WRITE_ONCE(mm->mm_cpumask, CpuBits{});
      ForgetActiveCpus(mm);
      Tell({.kind = EventKind::kMaskCleared,
            .mm = mm,
            .a = before.bits,
            .b = static_cast<std::uint64_t>(ClearReason::kNewContext)});
    }
    WRITE_ONCE(mmu_context_bmap, used | std::uint64_t{1} << *number);
    const CtxValue value{cache.version() | static_cast<std::uint64_t>(*number)};
    WRITE_ONCE(tlb_context_cache, value);
    WRITE_ONCE(mm->context.sparc64_ctx_val, CtxValue{value.bits | ctx.page_sizes() << 16});
    Tell({.kind = EventKind::kContextAssigned, .mm = mm});
    break;
  }
  spin_unlock(&ctx_alloc_lock);
}

void destroy_context(Mm* mm) {
  auto& [ctx_alloc_lock, tlb_context_cache, mmu_context_bmap] = Kernel::Get().globals->context;
  TsbEntry* const tsb = READ_ONCE(mm->context.tsb);
  Tell({.kind = EventKind::kTsbFreed, .mm = mm, .object = tsb});
  tsb_free(tsb);
  WRITE_ONCE(mm->context.tsb, nullptr);
  const int pil = local_irq_save();
  spin_lock(&ctx_alloc_lock);
  if (CTX_VALID(mm)) {
    const int number = READ_ONCE(mm->context.sparc64_ctx_val).number().value();
    WRITE_ONCE(mmu_context_bmap,
               READ_ONCE(mmu_context_bmap) & ~(std::uint64_t{1} << number));
  }
  spin_unlock(&ctx_alloc_lock);
  local_irq_restore(pil);
}

void InitContextGlobals() {
  ContextAllocator& context = Kernel::Get().globals->context;
  context.tlb_context_cache.Init(CtxValue{CtxValue::kFirstVersion});
  context.mmu_context_bmap.Init(1);
}

void init_new_context(Kernel& kernel, Mm* mm) {
  auto* const tsb = kernel.machine().arena().Alloc<TsbEntry>(
      "mm" + std::to_string(mm->id) + ".tsb", static_cast<std::size_t>(kernel.tsb_entries));
  for (int s = 0; s < kernel.tsb_entries; ++s) tsb[s].tag.Init(TsbEntry::kInvalid);
  mm->context.tsb.Init(tsb);
}

}  // namespace shootdown::kernel::sparc64
