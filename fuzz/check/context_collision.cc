// T6: no two valid mms have one number, and no TLB serves one number for two mms.
#include "fuzz/check/check.h"
#include "fuzz/kernel/arch/arch.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Mm;
using kernel::PerCpu;

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  const kernel::Arch& arch = kernel::arch();
  const auto valid = [&](const Mm& mm) { return mm.alive != 0 && arch.context_valid(&mm, e.cpu); };
  if (e.mm == nullptr || e.mm == k.init_mm || !valid(*e.mm)) return;
  const Ctx number = arch.context_number(e.mm, e.cpu);
  for (int i = 1; i < k.mm_count; ++i) {
    const Mm& other = k.mms[i];
    if (&other == e.mm || !valid(other)) continue;
    if (arch.context_number(&other, e.cpu) != number) continue;
    Report(kContextCollision, e,
           NameOf(e.mm) + " and " + NameOf(&other) + " both have context number " +
               std::to_string(number.value()));
  }
  // Lazy CPUs count: they still have the number loaded.
  if (e.kind != EventKind::kMmSwitched) return;
  for (int c = 0; c < k.machine().cpu_count(); ++c) {
    const PerCpu& pc = k.cpus[c];
    if (c == e.cpu || k.machine().tlb_group(c) != k.machine().tlb_group(e.cpu)) continue;
    if (pc.hardware_mm == e.mm || pc.hardware_mm == k.init_mm || pc.in_switch != 0) continue;
    // One that is offline keeps its last number, which sparc64's switch_mm() to init_mm leaves alone and
    // which a wrap gives to others; it translates nothing.
    if (pc.offline != 0) continue;
    if (k.machine().secondary(c) != number) continue;
    Report(kContextCollision, e,
           "CPUs " + std::to_string(e.cpu) + " and " + std::to_string(c) +
               " share a TLB and have context " + std::to_string(number.value()) + " loaded for " +
               NameOf(e.mm) + " and " + NameOf(pc.hardware_mm));
  }
}

}  // namespace

extern const Check kContextCollision = {
    .id = "T6",
    .name = "context_collision",
    .rule = "No two mms use one context number in one TLB.",
    .why = "Their translations cannot be told apart.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kContextAssigned, &Judge);
      judges.Listen(EventKind::kMmSwitched, &Judge);
    }};

}  // namespace shootdown::check
