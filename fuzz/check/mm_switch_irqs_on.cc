// L2, a policy: what ARCH_WANT_IRQS_OFF_ACTIVATE_MM makes a kernel keep to. Off by default, since
// exec_mmap and use_mm of 4.19 break it.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  const sim::Machine& m = sim::Machine::Get();
  if (m.pil() >= sim::kPilNormalMax || !m.ie()) return;
  Report(kMmSwitchIrqsOn, e, NameOf(e.task) + " changes mm or active_mm with interrupts on");
}

}  // namespace

extern const Check kMmSwitchIrqsOn = {
    .id = "L2",
    .name = "mm_switch_irqs_on",
    .rule = "mm, active_mm and the hardware context change with interrupts off.",
    .why = "An interrupt sees the fields and the hardware disagree.",
    .on_by_default = false,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMmFieldsChanged, &Judge);
    }};

}  // namespace shootdown::check
