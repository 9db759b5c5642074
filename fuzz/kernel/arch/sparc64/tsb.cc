#include "fuzz/kernel/arch/sparc64/tsb.h"

#include "fuzz/kernel/arch/sparc64/trim.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel::sparc64 {
namespace {

using sim::Machine;
using sim::WaitKind;

#define TSB_SITE(label) SHOOTDOWN_SITE_AS(label, &FormatTsbTag)

bool Locked(const TsbEntry* slot) { return (slot->tag.Peek() & TsbEntry::kLock) != 0; }

void WaitUnlocked(TsbEntry* slot, const sim::Site& site) {
  Machine::Get().WaitUntil(site, WaitKind::kBlocked, [slot] { return !Locked(slot); });
}

// mm->context.lock is held.
void flush_one(TsbEntry* tsb, VirtPage va) {
  TsbEntry* const slot = TsbSlot(tsb, va);
  for (;;) {
    const std::uint64_t tag = slot->tag.Load(TSB_SITE("slot->tag"));
    if ((tag & TsbEntry::kLock) != 0) {
      WaitUnlocked(slot, TSB_SITE("slot->tag"));
      continue;
    }
    if (tag != va.value()) return;
    const std::uint64_t before = slot->tag.Rmw(TSB_SITE("cas slot->tag"), [tag](std::uint64_t old) {
      return old == tag ? std::uint64_t{TsbEntry::kInvalid} : old;
    });
    if (before == tag) return;
  }
}

}  // namespace

TsbEntry* TsbSlot(TsbEntry* tsb, VirtPage va) {
  return tsb + (va.value() & (Kernel::Get().tsb_entries - 1));
}

void flush_tsb_user_page(Mm* mm, VirtPage va) {
  const int pil = local_irq_save();
  if (!TsbFlushWithoutLock()) spin_lock(&mm->context.lock);
  flush_one(READ_ONCE(mm->context.tsb), va);
  // Written under the lock alone, so a look at it is no step. Null while nobody grows the TSB.
  if (TsbEntry* const before = mm->context.tsb_retiring.Peek(); before != nullptr) {
    sim::Learn(sim::ToWord(before));
    flush_one(before, va);
  }
  if (!TsbFlushWithoutLock()) spin_unlock(&mm->context.lock);
  local_irq_restore(pil);
}

void flush_tsb_user(Mm* mm, TlbBatch* tb) {
  const int pil = local_irq_save();
  if (!TsbFlushWithoutLock()) spin_lock(&mm->context.lock);
  TsbEntry* const tsb = READ_ONCE(mm->context.tsb);
  TsbEntry* const before = mm->context.tsb_retiring.Peek();
  sim::Learn(sim::ToWord(before));
  for (std::uint64_t i = 0; i < tb->tlb_nr; ++i) {
    const VirtPage va(static_cast<std::uint8_t>(tb->vaddrs[i].PeekOwn()));
    flush_one(tsb, va);
    if (before != nullptr) flush_one(before, va);
  }
  if (!TsbFlushWithoutLock()) spin_unlock(&mm->context.lock);
  local_irq_restore(pil);
}

void update_mmu_cache(Mm* mm, VirtPage va, Pte pte) {
  Machine& m = Machine::Get();
  const int pil = local_irq_save();
  spin_lock(&mm->context.lock);
  TsbEntry* const slot = TsbSlot(READ_ONCE(mm->context.tsb), va);
  m.SetIe(false);
  tsb_lock(slot);
  const sim::TlbGhost ghost{.owner = static_cast<std::uint32_t>(mm->id),
                            .incarnation = Kernel::Get().pages[pte.page()].incarnation,
                            .pte_change = mm->pte_change[va.value()]};
  sim::Learn(ghost);
  tsb_write(slot, va, pte, ghost);
  m.SetIe(true);
  spin_unlock(&mm->context.lock);
  local_irq_restore(pil);
}

void tsb_lock(TsbEntry* slot) {
  for (;;) {
    const std::uint64_t before =
        slot->tag.Rmw(TSB_SITE("lock slot->tag"), [](std::uint64_t old) {
          return (old & TsbEntry::kLock) != 0 ? old : old | TsbEntry::kLock;
        });
    if ((before & TsbEntry::kLock) == 0) return;
    WaitUnlocked(slot, TSB_SITE("lock slot->tag"));
  }
}

void tsb_write(TsbEntry* slot, VirtPage va, Pte pte, const sim::TlbGhost& ghost) {
  WRITE_ONCE(slot->pte, pte);
  slot->tag.Store(TSB_SITE("slot->tag"), va.value());
  slot->ghost = ghost;
}

void tsb_unlock_invalid(TsbEntry* slot) {
  slot->tag.Store(TSB_SITE("slot->tag"), TsbEntry::kInvalid);
}

void tsb_free(TsbEntry* tsb) {
  Machine::Get().Poison(tsb, sizeof(TsbEntry) * static_cast<std::size_t>(Kernel::Get().tsb_entries));
}

}  // namespace shootdown::kernel::sparc64
