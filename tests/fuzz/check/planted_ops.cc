#include "tests/fuzz/check/planted_ops.h"

#include <bit>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/arch/sparc64/mmu_context.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/arch/sparc64/tsb.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/smp_call.h"

namespace shootdown::testing {
namespace {

using namespace shootdown::kernel;  // NOLINT(google-build-using-namespace): this is kernel code
using sim::Machine;

// A task's or a driver's pointer to an mm.
struct Holder {
  Cell<Mm*> mm;
};
struct Lock {
  SpinLock lock;
};
struct Flag {
  Cell<std::uint64_t> set;
};
// Room for a TSB that is not the first.
struct SpareTsb {
  TsbEntry entries[4];
};

Mm* MmOf(const BoundOp& op) { return ObjectArg<Holder>(op, 0)->mm.PeekOwn(); }

// ---- references ---------------------------------------------------------------------------------

void Remember(const BoundOp& op) {
  Mm* const mm = READ_ONCE(current()->mm);
  WRITE_ONCE(ObjectArg<Holder>(op, 0)->mm, mm);
}

void Hold(const BoundOp& op) {
  Remember(op);
  mmgrab(MmOf(op));
  GhostGrab(MmOf(op));
}

void Release(const BoundOp& op) {
  GhostDrop(MmOf(op));
  mmdrop(MmOf(op));
}

// mm_users rises from 0 if nobody else has it.
void GetWithoutLooking(const BoundOp& op) {
  mmget(MmOf(op));
  mmput(MmOf(op));
}
void GetAndPut(const BoundOp& op) {
  if (mmget_not_zero(MmOf(op))) mmput(MmOf(op));
}

void PutTwice(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmget(mm);
  mmput(mm);
  mmput(mm);
}
void PutOnce(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmget(mm);
  mmput(mm);
}

void LeakCount(const BoundOp& /*op*/) { mmgrab(READ_ONCE(current()->mm)); }
void GrabAndDrop(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmgrab(mm);
  mmdrop(mm);
}

// A kernel thread drops the mm that it has borrowed, and goes on with it.
void DropBorrowed(const BoundOp& /*op*/) { mmdrop(READ_ONCE(current()->active_mm)); }

void TouchMm(const BoundOp& op) { (void)READ_ONCE(MmOf(op)->mm_users); }

void PutHere(Mm* mm) { mmput(mm); }
void PutInHandler(std::uint64_t info) { mmput(reinterpret_cast<Mm*>(info)); }

void PutUnderSpinlock(const BoundOp& op) {
  Task* const tsk = current();
  spin_lock(&tsk->alloc_lock);
  PutHere(MmOf(op));
  spin_unlock(&tsk->alloc_lock);
}
void PutWithIrqsOff(const BoundOp& op) {
  local_irq_disable();
  PutHere(MmOf(op));
  local_irq_enable();
}
void PutInInterrupt(const BoundOp& op) {
  preempt_disable();
  smp_call_function_many(AllCpus(), &PutInHandler, reinterpret_cast<std::uint64_t>(MmOf(op)),
                         /*wait=*/true);
  preempt_enable();
}

// ---- taking on an mm ----------------------------------------------------------------------------

void UseMm(const BoundOp& op) {
  kthread_use_mm(MmOf(op));
  kthread_unuse_mm(MmOf(op));
}
void UseMmWithUser(const BoundOp& op) {
  if (!mmget_not_zero(MmOf(op))) return;
  UseMm(op);
  mmput(MmOf(op));
}

// What switch_mm does, but for the one store that tells a wrap which mm is loaded.
void SwitchWithoutSecondary(Mm* mm) {
  PerCpu& pc = this_cpu();
  const int cpu = smp_processor_id();
  Mm* const listed = READ_ONCE(pc.secondary_mm);
  switch_mm(nullptr, mm);
  WRITE_ONCE(pc.secondary_mm, listed);
  ATOMIC_RMW(mm->mm_cpumask, old.With(cpu));
}

// kthread_use_mm of its own, with one of two ways to switch.
void UseMmWith(Mm* mm, void (*switch_to)(Mm* mm)) {
  Task* const tsk = current();
  mmgrab(mm);
  spin_lock(&tsk->alloc_lock);
  local_irq_disable();
  this_cpu().in_switch = 1;
  Mm* const active_mm = READ_ONCE(tsk->active_mm);
  WRITE_ONCE(tsk->active_mm, mm);
  WRITE_ONCE(tsk->mm, mm);
  Tell({.kind = EventKind::kMmFieldsChanged, .mm = mm});
  switch_to(mm);
  this_cpu().in_switch = 0;
  Tell({.kind = EventKind::kMmSwitched, .mm = mm});
  local_irq_enable();
  spin_unlock(&tsk->alloc_lock);
  mmdrop_lazy_tlb(active_mm);
  kthread_unuse_mm(mm);
}

// ---- context numbers ----------------------------------------------------------------------------

void Load(Ctx ctx) {
  Machine& m = Machine::Get();
  m.SetIe(false);
  m.WriteSecondary(SHOOTDOWN_SITE("SECONDARY"), ctx);
  m.SetIe(true);
}

// The caller's mm gets the number of H's mm.
void TakeNumber(const BoundOp& op, bool flush) {
  Mm* const mm = READ_ONCE(current()->mm);
  const CtxValue ctx = READ_ONCE(MmOf(op)->context.sparc64_ctx_val);
  WRITE_ONCE(mm->context.sparc64_ctx_val, ctx);
  Load(ctx.number());
  if (flush) sparc64::__flush_tlb_mm(ctx.number());
}

void ReloadHandler(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  if (READ_ONCE(current()->mm) != mm) return;
  const Ctx number = READ_ONCE(mm->context.sparc64_ctx_val).number();
  Load(number);
  sparc64::__flush_tlb_mm(number);
  ATOMIC_RMW(mm->mm_cpumask, old.With(smp_processor_id()));
}

// The caller's mm gets a number that nobody has; with `tell`, the CPUs that run it are told.
void Renumber(bool tell) {
  Mm* const mm = READ_ONCE(current()->mm);
  const int pil = local_irq_save();
  this_cpu().in_switch = 1;
  spin_lock(&mm->context.lock);
  const CtxValue before = READ_ONCE(mm->context.sparc64_ctx_val);
  WRITE_ONCE(mm->context.sparc64_ctx_val, CtxValue{before.number().value()});  // version 0
  sparc64::get_new_mmu_context(mm);
  ReloadHandler(reinterpret_cast<std::uint64_t>(mm));
  this_cpu().in_switch = 0;
  spin_unlock(&mm->context.lock);
  local_irq_restore(pil);
  if (!tell) return;
  preempt_disable();
  smp_call_function_many(AllCpus(), &ReloadHandler, reinterpret_cast<std::uint64_t>(mm),
                         /*wait=*/true);
  preempt_enable();
}

// A wrap that takes along nobody (`revive` false), or everybody whom a CPU has loaded.
void Wrap(bool revive) {
  Kernel& k = Kernel::Get();
  ContextAllocator& context = k.globals->context;
  const int pil = local_irq_save();
  spin_lock(&context.ctx_alloc_lock);
  const CtxValue next{READ_ONCE(context.tlb_context_cache).version() + CtxValue::kFirstVersion};
  WRITE_ONCE(context.mmu_context_bmap, 1);
  WRITE_ONCE(context.tlb_context_cache, next);
  smp_mb();
  for (int cpu = 0; revive && cpu < k.machine().cpu_count(); ++cpu) {
    Mm* const mm = READ_ONCE(k.cpus[cpu].secondary_mm);
    if (mm == k.init_mm) continue;
    const Ctx number = READ_ONCE(mm->context.sparc64_ctx_val).number();
    WRITE_ONCE(context.mmu_context_bmap,
               READ_ONCE(context.mmu_context_bmap) | std::uint64_t{1} << number.value());
    WRITE_ONCE(mm->context.sparc64_ctx_val, CtxValue{next.bits | number.value()});
  }
  spin_unlock(&context.ctx_alloc_lock);
  local_irq_restore(pil);
}

void FreeNumberZero(const BoundOp& /*op*/) {
  ContextAllocator& context = Kernel::Get().globals->context;
  const int pil = local_irq_save();
  spin_lock(&context.ctx_alloc_lock);
  WRITE_ONCE(context.mmu_context_bmap, READ_ONCE(context.mmu_context_bmap) & ~std::uint64_t{1});
  spin_unlock(&context.ctx_alloc_lock);
  local_irq_restore(pil);
}

// The end of get_new_mmu_context, without the bitmap.
void RenumberUnmarked(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  ContextAllocator& context = Kernel::Get().globals->context;
  const int pil = local_irq_save();
  spin_lock(&context.ctx_alloc_lock);
  const CtxValue value{READ_ONCE(context.tlb_context_cache).bits + 1};
  WRITE_ONCE(context.tlb_context_cache, value);
  WRITE_ONCE(mm->context.sparc64_ctx_val, value);
  Tell({.kind = EventKind::kContextAssigned, .mm = mm});
  spin_unlock(&context.ctx_alloc_lock);
  local_irq_restore(pil);
}

// ---- mm_cpumask ---------------------------------------------------------------------------------

void SetMask(CpuBits bits, ClearReason reason) {
  Mm* const mm = READ_ONCE(current()->mm);
  const CpuBits before = READ_ONCE(mm->mm_cpumask);
  WRITE_ONCE(mm->mm_cpumask, bits);
  Tell({.kind = EventKind::kMaskCleared,
        .mm = mm,
        .a = before.bits & ~bits.bits,
        .b = static_cast<std::uint64_t>(reason)});
}

void WipeMask(const BoundOp& /*op*/) {
  SetMask(CpuBits{}.With(smp_processor_id()), ClearReason::kFlusher);
}

// A store of which no judge hears.
void WipeMaskSilently(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  WRITE_ONCE(mm->mm_cpumask, CpuBits{}.With(smp_processor_id()));
}

// As a lazy CPU would leave the mask: its own bit, interrupts off.
void LeaveMask(const BoundOp& op) {
  Mm* const mm = MmOf(op);
  const int cpu = smp_processor_id();
  local_irq_disable();
  const CpuBits before = ATOMIC_RMW(mm->mm_cpumask, old.Without(cpu));
  Tell({.kind = EventKind::kMaskCleared,
        .mm = mm,
        .a = before.bits & CpuBits{}.With(cpu).bits,
        .b = static_cast<std::uint64_t>(ClearReason::kSelf)});
  local_irq_enable();
}

// ---- pages, TSB, batches ------------------------------------------------------------------------

Page* MappedPage(VirtPage va) {
  Mm* const mm = READ_ONCE(current()->mm);
  return &Kernel::Get().pages[READ_ONCE(mm->pgd->pte[va.value()]).page()];
}
// Takes a page away that stays allocated.
void ForgetToFlush(const BoundOp& op) {
  Mm* const mm = READ_ONCE(current()->mm);
  spin_lock(&mm->page_table_lock);
  (void)ptep_get_and_clear(mm, PageArg(op, 0), /*fullmm=*/true);
  spin_unlock(&mm->page_table_lock);
}
void ClearAndFlush(const BoundOp& op) {
  Mm* const mm = READ_ONCE(current()->mm);
  spin_lock(&mm->page_table_lock);
  (void)ptep_get_and_clear(mm, PageArg(op, 0), /*fullmm=*/false);
  spin_unlock(&mm->page_table_lock);
}

void PutMappedPage(const BoundOp& op) { put_page(MappedPage(PageArg(op, 0))); }
void GetAndPutPage(const BoundOp& op) {
  get_page(MappedPage(PageArg(op, 0)));
  put_page(MappedPage(PageArg(op, 0)));
}

void ReloadTsbHandler(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  if (this_cpu().pgd_paddr == mm->pgd) this_cpu().tsb = READ_ONCE(mm->context.tsb);
}

// tsb_grow, to the same size: a new table, empty, takes the place of the old one, which is freed.
// With `sync`, after all CPUs have reloaded theirs (smp_tsb_sync).
void ReplaceTsb(const BoundOp& op, bool sync) {
  Mm* const mm = READ_ONCE(current()->mm);
  TsbEntry* const old_tsb = READ_ONCE(mm->context.tsb);
  TsbEntry* const new_tsb = ObjectArg<SpareTsb>(op, 0)->entries;
  for (int i = 0; i < 4; ++i) WRITE_ONCE(new_tsb[i].tag, std::uint64_t{TsbEntry::kInvalid});
  const int pil = local_irq_save();
  spin_lock(&mm->context.lock);
  WRITE_ONCE(mm->context.tsb, new_tsb);
  spin_unlock(&mm->context.lock);
  local_irq_restore(pil);
  preempt_disable();
  this_cpu().tsb = new_tsb;
  if (sync) {
    smp_call_function_many(READ_ONCE(mm->mm_cpumask), &ReloadTsbHandler,
                           reinterpret_cast<std::uint64_t>(mm), /*wait=*/true);
  }
  preempt_enable();
  Tell({.kind = EventKind::kTsbFreed, .mm = mm, .object = old_tsb});
  sparc64::tsb_free(old_tsb);
}

void YieldInLazyMode(const BoundOp& /*op*/) {
  arch_enter_lazy_mmu_mode();
  schedule();
  arch_leave_lazy_mmu_mode();
}
void YieldAfterLazyMode(const BoundOp& /*op*/) {
  arch_enter_lazy_mmu_mode();
  arch_leave_lazy_mmu_mode();
  schedule();
}

void ReadBatchHandler(std::uint64_t info) {
  auto* const tb = reinterpret_cast<TlbBatch*>(info);
  (void)READ_ONCE(tb->vaddrs[0]);
  --tb->readers;
}

// smp_flush_tlb_pending of before f36391d2790d, which waits for nobody, and a batch that begins
// anew.
void FlushTwice(bool wait) {
  Mm* const mm = READ_ONCE(current()->mm);
  preempt_disable();
  arch_enter_lazy_mmu_mode();
  sparc64::tlb_batch_add(mm, VirtPage(0), /*fullmm=*/false);
  TlbBatch* const tb = &this_cpu().tlb_batch;
  const CpuBits others = READ_ONCE(mm->mm_cpumask).Without(smp_processor_id());
  tb->readers += static_cast<std::uint64_t>(std::popcount(others.bits));
  smp_call_function_many(others, &ReadBatchHandler, reinterpret_cast<std::uint64_t>(tb), wait);
  tb->tlb_nr = 0;
  sparc64::tlb_batch_add(mm, VirtPage(1), /*fullmm=*/false);
  arch_leave_lazy_mmu_mode();
  preempt_enable();
}

// ---- calls, locks, progress ---------------------------------------------------------------------

void DoNothing(std::uint64_t /*info*/) {}

void CallWithIrqsOff(const BoundOp& /*op*/) {
  local_irq_disable();
  smp_call_function_many(AllCpus(), &DoNothing, 0, /*wait=*/true);
  local_irq_enable();
}
void CallWithPreemption(const BoundOp& /*op*/) {
  smp_call_function_many(AllCpus(), &DoNothing, 0, /*wait=*/true);
}
void CallInHandler(std::uint64_t /*info*/) {
  smp_call_function_many(AllCpus(), &DoNothing, 0, /*wait=*/true);
}
void CallInInterrupt(const BoundOp& /*op*/) {
  preempt_disable();
  smp_call_function_many(AllCpus(), &CallInHandler, 0, /*wait=*/true);
  preempt_enable();
}
void CallRight(const BoundOp& /*op*/) {
  preempt_disable();
  smp_call_function_many(AllCpus(), &DoNothing, 0, /*wait=*/true);
  preempt_enable();
}

void LockTwo(const BoundOp& op) {
  SpinLock* const first = &ObjectArg<Lock>(op, 0)->lock;
  SpinLock* const second = &ObjectArg<Lock>(op, 1)->lock;
  spin_lock(first);
  spin_lock(second);
  spin_unlock(second);
  spin_unlock(first);
}

void KeepMmapLock(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
}
void TakeMmapLock(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  mmap_write_unlock(mm);
}

void SpinUntilSet(const BoundOp& op) {
  while (READ_ONCE(ObjectArg<Flag>(op, 0)->set) == 0) {
  }
}
void Set(const BoundOp& op) { WRITE_ONCE(ObjectArg<Flag>(op, 0)->set, 1); }

// ---- registration -------------------------------------------------------------------------------

using Run = void (*)(const BoundOp& op);

void Plain(std::string_view name, Run run) {
  RegisterOp({.name = name, .usage = name, .what = "planted", .run = run});
}
void OnPage(std::string_view name, Run run) {
  RegisterOp(
      {.name = name, .usage = name, .what = "planted", .args = {ArgKind::kPage}, .run = run});
}
template <class T>
void OnObject(std::string_view name, Run run, std::size_t count = 1) {
  RegisterOp({.name = name,
              .usage = name,
              .what = "planted",
              .args = std::vector<ArgKind>(count, ArgKind::kObject),
              .run = run,
              .object = &ObjectOf<T>});
}

}  // namespace

void RegisterPlantedOps() {
  static bool registered = false;
  if (registered) return;
  registered = true;

  OnObject<Holder>("planted_remember", &Remember);
  OnObject<Holder>("planted_hold", &Hold);
  OnObject<Holder>("planted_release", &Release);
  OnObject<Holder>("planted_get", [](const BoundOp& op) { (void)mmget_not_zero(MmOf(op)); });
  OnObject<Holder>("planted_put", [](const BoundOp& op) { mmput(MmOf(op)); });
  OnObject<Holder>("planted_put_under_spinlock", &PutUnderSpinlock);
  OnObject<Holder>("planted_put_with_irqs_off", &PutWithIrqsOff);
  OnObject<Holder>("planted_put_in_interrupt", &PutInInterrupt);
  OnObject<Holder>("planted_get_without_looking", &GetWithoutLooking);
  OnObject<Holder>("planted_get_and_put", &GetAndPut);
  Plain("planted_put_twice", &PutTwice);
  Plain("planted_put_once", &PutOnce);
  Plain("planted_leak_count", &LeakCount);
  Plain("planted_grab_and_drop", &GrabAndDrop);
  Plain("planted_drop_borrowed", &DropBorrowed);
  OnObject<Holder>("planted_touch_mm", &TouchMm);

  OnObject<Holder>("planted_use_mm", &UseMm);
  OnObject<Holder>("planted_use_mm_with_user", &UseMmWithUser);
  OnObject<Holder>("planted_use_mm_unlisted",
                   [](const BoundOp& op) { UseMmWith(MmOf(op), &SwitchWithoutSecondary); });
  OnObject<Holder>("planted_use_mm_listed", [](const BoundOp& op) {
    UseMmWith(MmOf(op), [](Mm* mm) { switch_mm(nullptr, mm); });
  });

  OnObject<Holder>("planted_take_number",
                   [](const BoundOp& op) { TakeNumber(op, /*flush=*/false); });
  OnObject<Holder>("planted_take_number_and_flush",
                   [](const BoundOp& op) { TakeNumber(op, /*flush=*/true); });
  Plain("planted_renumber", [](const BoundOp&) { Renumber(/*tell=*/false); });
  Plain("planted_renumber_and_tell", [](const BoundOp&) { Renumber(/*tell=*/true); });
  Plain("planted_renumber_unmarked", &RenumberUnmarked);
  Plain("planted_wrap_alone", [](const BoundOp&) { Wrap(/*revive=*/false); });
  Plain("planted_wrap", [](const BoundOp&) { Wrap(/*revive=*/true); });
  Plain("planted_free_number_zero", &FreeNumberZero);

  Plain("planted_wipe_mask", &WipeMask);
  Plain("planted_wipe_mask_silently", &WipeMaskSilently);
  OnObject<Holder>("planted_leave_mask", &LeaveMask);

  OnPage("planted_put_page", &PutMappedPage);
  OnPage("planted_forget_to_flush", &ForgetToFlush);
  OnPage("planted_clear_and_flush", &ClearAndFlush);
  OnPage("planted_get_and_put_page", &GetAndPutPage);
  OnObject<SpareTsb>("planted_replace_tsb",
                     [](const BoundOp& op) { ReplaceTsb(op, /*sync=*/false); });
  OnObject<SpareTsb>("planted_replace_tsb_and_sync",
                     [](const BoundOp& op) { ReplaceTsb(op, /*sync=*/true); });
  Plain("planted_yield_in_lazy_mode", &YieldInLazyMode);
  Plain("planted_yield_after_lazy_mode", &YieldAfterLazyMode);
  Plain("planted_flush_without_wait", [](const BoundOp&) { FlushTwice(/*wait=*/false); });
  Plain("planted_flush_with_wait", [](const BoundOp&) { FlushTwice(/*wait=*/true); });

  Plain("planted_call_with_irqs_off", &CallWithIrqsOff);
  Plain("planted_call_with_preemption", &CallWithPreemption);
  Plain("planted_call_in_interrupt", &CallInInterrupt);
  Plain("planted_call", &CallRight);
  OnObject<Lock>("planted_lock_two", &LockTwo, 2);
  Plain("planted_keep_mmap_lock", &KeepMmapLock);
  Plain("planted_take_mmap_lock", &TakeMmapLock);
  OnObject<Flag>("planted_spin_until_set", &SpinUntilSet);
  OnObject<Flag>("planted_set", &Set);
}

}  // namespace shootdown::testing
