// L4: a cross call that counts as delivered is executed by its target, once.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  Report(kXcallAbandoned, e,
         NameOf(e.task) + " on CPU " + std::to_string(e.cpu) + " gives up a cross call to CPU " +
             std::to_string(e.a) + " (" + e.site->label + "), and goes on as if it had been taken");
}

}  // namespace

extern const Check kXcallAbandoned = {
    .id = "L4",
    .name = "xcall_abandoned",
    .rule = "A cross call that counts as delivered is taken by its target.",
    .why = "The sender relies on a flush, or waits for a function, that nobody runs.",
    .on_by_default = true,
    .arch = "sparc64",
    .listen = [](kernel::Judges& judges) { judges.Listen(EventKind::kXcallAbandoned, &Judge); }};

}  // namespace shootdown::check
