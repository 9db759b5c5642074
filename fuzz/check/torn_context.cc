// T9: on s390 a page table and its number of levels belong together.
#include "fuzz/check/check.h"
#include "fuzz/kernel/arch/s390/context.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;

void Judge(const Event& e) {
  const auto& loaded = kernel::s390::LoadedOn(Kernel::Get().cpus[e.cpu]);
  if (loaded.pgd_levels == loaded.asce_levels) return;
  Report(kTornContext, e,
         "CPU " + std::to_string(e.cpu) + " has a page table of " + std::to_string(loaded.pgd_levels) +
             " levels of " + NameOf(e.mm) + " loaded, with bits that say " +
             std::to_string(loaded.asce_levels));
}

}  // namespace

extern const Check kTornContext = {
    .id = "T9",
    .name = "torn_context",
    .rule = "A page table is loaded with its own number of levels.",
    .why = "The hardware takes entries of one level for those of another, and walks into anything.",
    .on_by_default = true,
    .arch = "s390",
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMmSwitched, &Judge);
    }};

}  // namespace shootdown::check
