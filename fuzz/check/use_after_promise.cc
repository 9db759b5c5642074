// T3: when munmap, madvise, mprotect or mremap has returned, the old translation is gone, also
// if somebody else had changed the entry.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  if (e.entry->ghost.pte_change >= e.mm->promised[e.virt]) return;
  Report(kUseAfterPromise, e,
         NameOf(e.task) + " on CPU " + std::to_string(e.cpu) + " used " + PageName(e.virt) + " of " +
             NameOf(e.mm) + " through a TLB entry that a completed system call took away");
}

}  // namespace

extern const Check kUseAfterPromise = {
    .id = "T3",
    .name = "use_after_promise",
    .rule = "After munmap, madvise or mprotect returns no CPU uses what it took away.",
    .why = "The caller was promised that the range is gone.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kUserHit, &Judge);
    }};

}  // namespace shootdown::check
