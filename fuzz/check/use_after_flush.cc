// T2: what a flush covered is gone from every TLB when the flush is complete.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  if (e.entry->ghost.pte_change >= e.mm->flushed[e.virt]) return;
  Report(kUseAfterFlush, e,
         NameOf(e.task) + " on CPU " + std::to_string(e.cpu) + " used " + PageName(e.virt) + " of " +
             NameOf(e.mm) + " through a TLB entry older than a change whose flush is complete");
}

}  // namespace

extern const Check kUseAfterFlush = {
    .id = "T2",
    .name = "use_after_flush",
    .rule = "After a flush is complete no CPU uses a translation older than the change it was for.",
    .why = "Whoever waited for the flush goes on as if nobody could use the old mapping.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kUserHit, &Judge);
    }};

}  // namespace shootdown::check
