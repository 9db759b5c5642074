// K3, a policy: off by default, since code before bafb056ce279 breaks it in every flush.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;

void Judge(const Event& e) {
  if (e.a == 0) return;  // no bit went away
  const auto reason = static_cast<kernel::ClearReason>(e.b);
  if (reason == kernel::ClearReason::kNewContext) {
    // Allowed when no CPU has the mm loaded, but for the one that allocates.
    Kernel& k = Kernel::Get();
    for (int c = 0; c < k.machine().cpu_count(); ++c) {
      if (c == e.cpu || k.cpus[c].secondary_mm.Peek() != e.mm) continue;
      Report(kCpumaskForeignClear, e,
             "mm_cpumask(" + NameOf(e.mm) + ") is cleared for a new context while CPU " +
                 std::to_string(c) + " has the mm loaded");
    }
    return;
  }
  const bool own = e.a == std::uint64_t{1} << e.cpu;
  const sim::Machine& m = sim::Machine::Get();
  if (own && reason == kernel::ClearReason::kSelf && m.pil() >= sim::kPilNormalMax) return;
  Report(kCpumaskForeignClear, e,
         "CPU " + std::to_string(e.cpu) + " cleared bits " + MaskText(e.a) + " of mm_cpumask(" +
             NameOf(e.mm) + ")");
}

}  // namespace

extern const Check kCpumaskForeignClear = {
    .id = "K3",
    .name = "cpumask_foreign_clear",
    .rule = "Only a CPU itself, with interrupts off, or a new context clears bits of mm_cpumask.",
    .why = "Any other clearing races with the CPU that sets its bit.",
    .on_by_default = false,
    .arch = "sparc64",
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMaskCleared, &Judge);
    }};

}  // namespace shootdown::check
