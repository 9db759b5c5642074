// P1: a guest of Xen does not rely on a page table that Xen does not take for one.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  Report(kHypercallRefused, e,
         "Xen refuses a hypercall of CPU " + std::to_string(e.cpu) + ": CPU " +
             std::to_string(e.a) + " has the page table of " + NameOf(e.mm) +
             " loaded, which is not pinned any more");
}

}  // namespace

extern const Check kHypercallRefused = {
    .id = "P1",
    .name = "hypercall_refused",
    .rule = "A guest of Xen has no page table loaded that it has unpinned.",
    .why = "Xen refuses the hypercall that would make it so, and the kernel has a BUG() there.",
    .on_by_default = true,
    .arch = "x86_64",
    .listen = [](kernel::Judges& judges) { judges.Listen(EventKind::kHypercallRefused, &Judge); }};

}  // namespace shootdown::check
