#include "fuzz/kernel/user_access.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/memory.h"

namespace shootdown::kernel {

bool user_access(VirtPage va, UserAccessKind kind) {
  sim::Machine& m = sim::Machine::Get();
  const bool write = kind == UserAccessKind::kWrite;
  const std::uint64_t need = write ? arch().store_needs : Pte::kValid;
  for (;;) {
    const sim::TlbEntry* const hit =
        write ? m.UserAccess(SHOOTDOWN_SITE_AS("store user page", &FormatVirtPage), true, va, need)
              : m.UserAccess(SHOOTDOWN_SITE_AS("load user page", &FormatVirtPage), false, va, need);
    if (hit != nullptr) {
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
    if (arch().tlb_miss(va, write)) continue;
    Mm* const mm = READ_ONCE(current()->mm);
    if (mm == nullptr || !handle_mm_fault(mm, va, write)) {
      ++current()->faults;
      return false;
    }
  }
}

}  // namespace shootdown::kernel
