#include "fuzz/kernel/user_access.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel {

namespace {

// The instruction itself, at `site`. False: no entry serves it.
bool Access(const sim::Site& site, VirtPage va, bool write) {
  sim::Machine& m = sim::Machine::Get();
  const std::uint64_t need = write ? arch().store_needs : Pte::kValid;
  const sim::TlbEntry* const hit = m.UserAccess(site, write, va, need);
  if (hit == nullptr) return false;
  const Pte pte{hit->pte};
  m.TouchUserWord(Kernel::Get().pages[pte.page()].contents.word(), va.value());
  if (write) ++Kernel::Get().pages[pte.page()].stores;
  Tell({.kind = EventKind::kUserHit,
        .mm = this_cpu().hardware_mm,
        .entry = hit,
        .virt = va.value(),
        .a = write ? 1u : 0u});
  return true;
}

}  // namespace

bool user_access(VirtPage va, UserAccessKind kind) {
  const bool write = kind == UserAccessKind::kWrite;
  sim::Forgetting scope(SHOOTDOWN_SITE("user access"));
  for (;;) {
    scope.Again();
    if (write ? Access(SHOOTDOWN_SITE_AS("store user page", &FormatVirtPage), va, true)
              : Access(SHOOTDOWN_SITE_AS("load user page", &FormatVirtPage), va, false)) {
      scope.Keep(1);
      return true;
    }
    if (arch().tlb_miss(va, write)) continue;
    Mm* const mm = READ_ONCE(current()->mm);
    if (mm == nullptr || !handle_mm_fault(mm, va, write)) {
      ++current()->faults;
      return false;
    }
  }
}

bool user_access_nofault(VirtPage va, UserAccessKind kind) {
  const bool write = kind == UserAccessKind::kWrite;
  sim::Forgetting scope(SHOOTDOWN_SITE("user access"));
  for (;;) {
    scope.Again();
    if (write ? Access(SHOOTDOWN_SITE_AS("store user page", &FormatVirtPage), va, true)
              : Access(SHOOTDOWN_SITE_AS("load user page", &FormatVirtPage), va, false)) {
      scope.Keep(1);
      return true;
    }
    if (!arch().tlb_miss(va, write)) return false;
  }
}

}  // namespace shootdown::kernel
