#include "fuzz/kernel/arch/sparc64/window.h"

#include "fuzz/kernel/user_access.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel::sparc64 {

void SpillTrap(VirtPage va, int count) {
  sim::Machine& m = sim::Machine::Get();
  const bool ie = m.ie();
  sim::Learn(ie ? 1 : 0);
  m.SetIe(false);
  for (int i = 0; i < count; ++i) {
    if (!user_access_nofault(va, UserAccessKind::kWrite)) break;
  }
  m.SetIe(ie);
}

void LeaveWindows(VirtPage va, int count) {
  Task* const task = current();
  task->window_page = va.value();
  task->windows = static_cast<std::uint8_t>(count);
}

void SpillWindow() {
  Task* const task = current();
  if (task->windows == 0) return;
  --task->windows;
  SpillTrap(VirtPage(task->window_page++), 1);
}

void SpillAllWindows() {
  while (current()->windows != 0) SpillWindow();
}

}  // namespace shootdown::kernel::sparc64
