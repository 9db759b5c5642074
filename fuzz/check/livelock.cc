// L3b: all go on, and nothing gets done.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  Report(kLivelock, e,
         "not done after " + std::to_string(sim::Machine::Get().config().step_count_max) + " steps");
}

}  // namespace

extern const Check kLivelock = {
    .id = "L3b",
    .name = "livelock",
    .rule = "A run comes to its end within the step budget.",
    .why = "The CPUs are busy for ever.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kLivelock, &Judge);
    }};

}  // namespace shootdown::check
