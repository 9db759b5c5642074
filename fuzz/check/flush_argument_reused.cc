// L7: what a flush handler reads on other CPUs stays as it is until all have read it.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  if (e.a == 0) return;
  Report(kFlushArgumentReused, e,
         "the list of pages to flush is written while " + std::to_string(e.a) +
             " CPUs have not read it yet");
}

}  // namespace

extern const Check kFlushArgumentReused = {
    .id = "L7",
    .name = "flush_argument_reused",
    .rule = "A flush argument is not written before the last target has read it.",
    .why = "The wrong pages are flushed, and the right ones are not.",
    .on_by_default = true,
    .arch = "sparc64",
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kFlushArgument, &Judge);
    }};

}  // namespace shootdown::check
