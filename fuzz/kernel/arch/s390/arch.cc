// Source: Linux 2.6.34 to 3.15 arch/s390/include/asm/pgtable.h, tlbflush.h, mmu_context.h. Entries are
// tagged with the address of the page table (ASCE); an mm's number stands for it.
#include "fuzz/kernel/arch/s390/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/s390/context.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mmu_gather.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::s390 {
namespace {

using sim::Machine;

// Who changes a pte while nobody else could have it in a TLB may leave the flush for later.
// 050eef364ad7 (2.6.37): "nobody else" is not mm_users == 1, which a reader of /proc changes between the
// change of the pte and the flush; it is the number of CPUs that have the mm loaded, and a mark in the
// mm says that a flush is owed. 53e857f30867 (3.15): whoever loads the mm flushes what is owed; so it
// waits for changes that are under way, which would otherwise come after that flush and owe nothing.
enum FlushVersion { kAttachWaits, kAttachCount, kMmUsers };
VersionSwitch flush_version("s390.flush", {"attach_waits", "attach_count", "mm_users"},
                            "53e857f30867 s390/mm,tlb: race of lazy TLB flush vs. recreation of TLB "
                            "entries; 050eef364ad7 [S390] fix tlb flushing vs. concurrent /proc accesses");

// 723cacbd9dc7 (4.7): the address of the page table and its number of levels are one word.
enum AsceVersion { kOneWord, kTwoWords };
VersionSwitch asce_version("s390.asce", {"one_word", "two_words"},
                           "723cacbd9dc7 s390/mm: fix asce_bits handling with dynamic pagetable levels");

// mm->context.attach_count: CPUs that have the mm loaded, and in the upper half flushers.
constexpr std::uint64_t kFlusher = 0x10000;
constexpr std::uint64_t kAttachedMask = kFlusher - 1;

constexpr std::uint64_t kLevels = 3;  // of a new page table

struct Context {
  Cell<std::uint64_t> attach_count;
  Cell<std::uint64_t> flush_mm;  // a flush is owed
  // How many levels the page table has; stands for the table too.
  Cell<std::uint64_t> asce;
  Cell<std::uint64_t> pgd;        // the same as two words
  Cell<std::uint64_t> asce_bits;
};
Context& ContextOf(const Mm* mm) { return *static_cast<Context*>(mm->context.other); }
Ctx NumberOf(const Mm* mm) { return Ctx(static_cast<std::uint16_t>(mm->id)); }

void InitContext(Kernel& kernel, Mm* mm) {
  auto* const context =
      kernel.machine().arena().Alloc<Context>("mm" + std::to_string(mm->id) + ".context");
  for (Cell<std::uint64_t>* word : {&context->asce, &context->pgd, &context->asce_bits}) {
    word->Init(kLevels);
  }
  mm->context.other = context;
}

void Boot(Kernel& kernel) {
  sim::Machine& m = kernel.machine();
  auto* const loaded =
      m.arena().Alloc<LoadedAsce>("user_asce", static_cast<std::size_t>(m.cpu_count()));
  for (int c = 0; c < m.cpu_count(); ++c) kernel.cpus[c].arch_data = &loaded[c];
  InitContext(kernel, kernel.init_mm);
  // Every CPU has it loaded, and takes its share away with it.
  ContextOf(kernel.init_mm).attach_count.Init(static_cast<std::uint64_t>(m.cpu_count()));
}

void set_user_asce(Mm* mm) {
  auto& [attach_count, flush_mm, asce, pgd, asce_bits] = ContextOf(mm);
  LoadedAsce& loaded = LoadedOn(this_cpu());
  if (asce_version.value() == kOneWord) {
    loaded.asce_levels = loaded.pgd_levels = READ_ONCE(asce);
  } else {
    loaded.asce_levels = READ_ONCE(asce_bits);
    loaded.pgd_levels = READ_ONCE(pgd);
  }
}

void __crst_table_upgrade(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  if (READ_ONCE(current()->active_mm) == mm) set_user_asce(mm);
}

// A level more on top, for a process that needs addresses so high. mmap_lock is held for writing.
void crst_table_upgrade(Mm* mm) {
  auto& [attach_count, flush_mm, asce, pgd, asce_bits] = ContextOf(mm);
  spin_lock(&mm->page_table_lock);
  if (asce_version.value() == kOneWord) {
    WRITE_ONCE(asce, kLevels + 1);
  } else {
    WRITE_ONCE(asce_bits, kLevels + 1);
    WRITE_ONCE(pgd, kLevels + 1);
  }
  spin_unlock(&mm->page_table_lock);
  preempt_disable();
  const auto info = reinterpret_cast<std::uint64_t>(mm);
  smp_call_function_many(AllCpus(), &__crst_table_upgrade, info, /*wait=*/true);
  __crst_table_upgrade(info);
  preempt_enable();
}

void __tlb_flush_mm(Mm* mm) {
  const page_table::FlushRecord record(mm);
  smp_mb();  // IDTE is serializing
  tlb::BroadcastContext(NumberOf(mm));
  record.DoneAll();
}

void __tlb_flush_mm_lazy(Mm* mm) {
  Cell<std::uint64_t>& flush_mm = ContextOf(mm).flush_mm;
  if (READ_ONCE(flush_mm) == 0) return;
  __tlb_flush_mm(mm);
  WRITE_ONCE(flush_mm, 0);
}

void switch_mm(Mm* prev, Mm* next) {
  if (prev == next) return;
  ATOMIC_RMW(next->mm_cpumask, old.With(smp_processor_id()));
  Machine::Get().WriteSecondary(SHOOTDOWN_SITE("ASCE"), NumberOf(next));
  set_user_asce(next);
  this_cpu().pgd_paddr = next->pgd;
  this_cpu().hardware_mm = next;
  Cell<std::uint64_t>& attach_count = ContextOf(next).attach_count;
  ATOMIC_RMW(attach_count, old + 1);
  Cell<std::uint64_t>& prev_attach_count = ContextOf(prev).attach_count;
  ATOMIC_RMW(prev_attach_count, old - 1);
  if (flush_version.value() == kMmUsers) return;
  if (flush_version.value() == kAttachWaits) {
    Machine::Get().WaitUntil(SHOOTDOWN_SITE("flushers"), sim::WaitKind::kBlocked,
                             [&attach_count] { return attach_count.Peek() < kFlusher; });
  }
  __tlb_flush_mm_lazy(next);
}

// IPTE: makes the pte invalid and purges it from all TLBs.
void ipte(Mm* mm, VirtPage va) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  ATOMIC_RMW(*ptep, Pte{});
  GhostPteChange(mm, va);
  tlb::BroadcastPage(NumberOf(mm), va);
}

void pte_clear(Mm* mm, VirtPage va) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  WRITE_ONCE(*ptep, Pte{});
  GhostPteChange(mm, va);
}

Pte ptep_get_and_clear(Mm* mm, VirtPage va, bool /*fullmm*/) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  Cell<std::uint64_t>& attach_count = ContextOf(mm).attach_count;
  Cell<std::uint64_t>& flush_mm = ContextOf(mm).flush_mm;
  const Pte orig = READ_ONCE(*ptep);
  if (!orig.valid()) return orig;
  if (flush_version.value() == kMmUsers) {
    if (READ_ONCE(mm->mm_users) <= 1 && READ_ONCE(current()->active_mm) == mm) {
      pte_clear(mm, va);
    } else {
      ipte(mm, va);
    }
    return orig;
  }
  const bool waits = flush_version.value() == kAttachWaits;
  const std::uint64_t active = READ_ONCE(current()->active_mm) == mm ? 1 : 0;
  const std::uint64_t count =
      waits ? ATOMIC_RMW(attach_count, old + kFlusher) : READ_ONCE(attach_count);
  if ((count & kAttachedMask) > active) {
    ipte(mm, va);
  } else {
    WRITE_ONCE(flush_mm, 1);
    pte_clear(mm, va);
  }
  if (waits) ATOMIC_RMW(attach_count, old - kFlusher);
  return orig;
}

void TlbFlush(MmuGather* tlb) {
  if (flush_version.value() != kMmUsers) {
    __tlb_flush_mm_lazy(tlb->mm);
  } else if (Mm* const mm = tlb->mm;
             READ_ONCE(mm->mm_users) <= 1 && READ_ONCE(current()->active_mm) == mm) {
    __tlb_flush_mm(mm);
  }
}

}  // namespace

extern const Arch kArch = {
    .name = "s390",
    .what = "IPTE for each pte, or one IDTE later if no other CPU has the mm loaded",
    .boot = &Boot,
    .boot_mm = &InitContext,
    .switch_mm = &switch_mm,
    .destroy_context =
        [](Mm* mm) { Machine::Get().Poison(mm->context.other, sizeof(Context)); },
    .ptep_get_and_clear = &ptep_get_and_clear,
    .tlb_flush = &TlbFlush,
    .flush_tlb_mm = &__tlb_flush_mm,
    .upgrade_page_table = &crst_table_upgrade,
    .context_number = [](const Mm* mm, int /*cpu*/) { return NumberOf(mm); },
    .context_valid = [](const Mm* /*mm*/, int /*cpu*/) { return true; },
};

}  // namespace shootdown::kernel::s390
