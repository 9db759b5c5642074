// T1: the universal oracle. Ghost state G1 and G2: pages count their incarnations, and TLB entries
// remember the one they were made for.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;

void Judge(const Event& e) {
  const kernel::Pte pte{e.entry->pte};
  const kernel::Page& page = Kernel::Get().pages[pte.page()];
  if (e.entry->ghost.incarnation == page.incarnation) return;
  Report(kStaleTlbUse, e,
         NameOf(e.task) + " on CPU " + std::to_string(e.cpu) + " used " + PageName(e.virt) + " of " +
             NameOf(e.mm) + " through a TLB entry for physical page " +
             std::to_string(page.number) + ", which has been freed");
}

}  // namespace

extern const Check kStaleTlbUse = {
    .id = "T1",
    .name = "stale_tlb_use",
    .rule = "No user access is served by a TLB entry whose page has been freed.",
    .why = "The page may belong to anybody by now: another process reads or overwrites it.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kUserHit, &Judge);
    }};

}  // namespace shootdown::check
