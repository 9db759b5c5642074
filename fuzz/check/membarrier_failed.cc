// M1: what membarrier promises. The event is told by the store-buffering test itself.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  Report(kMembarrierFailed, e,
         "membarrier returned, and yet each of two threads stored first and did not see the other's "
         "store");
}

}  // namespace

extern const Check kMembarrierFailed = {
    .id = "M1",
    .name = "membarrier_failed",
    .rule = "Two threads, one with membarrier between its store and its load, do not both miss the other's "
            "store.",
    .why = "Locks that rely on membarrier let two threads in.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kBarrierFailed, &Judge);
    }};

}  // namespace shootdown::check
