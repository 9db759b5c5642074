// T3: when munmap, madvise, mprotect or mremap has returned, the old translation is gone, also
// if somebody else had changed the entry. After mprotect, and MADV_FREE, whoever reads may still use it.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  const kernel::Promised& promised = e.mm->promised[e.virt];
  const bool stores = e.a != 0;
  if (e.entry->ghost.pte_change >= (stores ? promised.by_stores : promised.by_all)) return;
  Report(kUseAfterPromise, e,
         NameOf(e.task) + " on CPU " + std::to_string(e.cpu) + (stores ? " stored to " : " used ") +
             PageName(e.virt) + " of " + NameOf(e.mm) +
             " through a TLB entry that a completed system call took away");
}

}  // namespace

extern const Check kUseAfterPromise = {
    .id = "T3",
    .name = "use_after_promise",
    .rule = "After munmap, madvise or mprotect returns no CPU uses what it took away.",
    .why = "The caller was promised that the range is gone, or that nobody stores to it unnoticed.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kUserHit, &Judge);
    }};

}  // namespace shootdown::check
