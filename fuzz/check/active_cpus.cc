// K6: powerpc counts the bits of mm_cpumask in mm->context.active_cpus, and flushes locally if that is
// 1. The two are changed one after the other, so they are compared when a run is over.
#include <bit>

#include "fuzz/check/check.h"
#include "fuzz/kernel/arch/powerpc64/mmu_context.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  for (int i = 1; i < k.mm_count; ++i) {
    const kernel::Mm& mm = k.mms[i];
    if (mm.alive == 0) continue;
    const std::int64_t count = kernel::powerpc64::ContextOf(&mm).active_cpus.Peek();
    const std::uint64_t bits = mm.mm_cpumask.Peek().bits;
    if (count == std::popcount(bits)) continue;
    Report(kActiveCpus, e,
           "active_cpus of " + NameOf(&mm) + " is " + std::to_string(count) + ", but its mm_cpumask is " +
               MaskText(bits));
  }
}

}  // namespace

extern const Check kActiveCpus = {
    .id = "K6",
    .name = "active_cpus",
    .rule = "active_cpus is the number of bits in mm_cpumask.",
    .why = "If it is too low, a flush stays local and misses a CPU; below 0 it never gets right again.",
    .on_by_default = true,
    .arch = "powerpc64",
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kQuiet, &Judge);
    }};

}  // namespace shootdown::check
