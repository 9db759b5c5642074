#include "fuzz/kernel/arch/sparc64/perf_event.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/user_access.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::sparc64 {
namespace {

// Inside switch_mm the mm that leaves is unlisted (per_cpu_secondary_mm) while the hardware still
// has it, so a wrap may give its number away. A look at current->mm alone, as up to 6.12, does not
// see that. That the mm is listed and loaded is not enough: exec's is current->mm when its number is
// loaded, and entries of whoever had that number before are flushed only then.
enum CallchainVersion { kOutsideSwitchMm, kIfListedAndLoaded, kIfCurrentMm };
VersionSwitch callchain_version("sparc64.perf_callchain_user",
                                {"outside_switch_mm", "if_listed_and_loaded", "if_current_mm"},
                                "Linux 4.19 arch/sparc/kernel/perf_event.c perf_callchain_user");

bool MayLook(const Mm* mm) {
  if (mm == nullptr) return false;
  if (callchain_version.value() == kIfCurrentMm) return true;
  // A mark that switch_mm() leaves for NMIs of its CPU, as x86 has one (nmi_uaccess_okay()).
  if (callchain_version.value() == kOutsideSwitchMm) return this_cpu().in_switch == 0;
  Cell<Mm*>& per_cpu_secondary_mm = this_cpu().secondary_mm;
  return READ_ONCE(per_cpu_secondary_mm) == mm && this_cpu().pgd_paddr == mm->pgd;
}

}  // namespace

void perf_event_open(VirtPage va) { Kernel::Get().globals->perf_page = va.value() + 1u; }

void perf_event_nmi_handler() {
  const std::uint64_t page = Kernel::Get().globals->perf_page;
  if (page == 0 || !MayLook(READ_ONCE(current()->mm))) return;
  user_access_nofault(VirtPage(static_cast<std::uint8_t>(page - 1)), UserAccessKind::kRead);
}

}  // namespace shootdown::kernel::sparc64
