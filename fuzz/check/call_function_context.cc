// L1: reported even if it did not hang this time.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  const sim::Machine& m = sim::Machine::Get();
  if (e.b == 0) return;  // nobody waits
  if (m.InInterrupt()) {
    Report(kCallFunctionContext, e, "smp_call_function_many waits inside an interrupt handler");
  }
  if (m.pil() != 0 || !m.ie()) {
    Report(kCallFunctionContext, e, "smp_call_function_many waits with interrupts off");
  }
  if (e.task->preempt_count == 0) {
    Report(kCallFunctionContext, e, "smp_call_function_many is called with preemption on");
  }
}

}  // namespace

extern const Check kCallFunctionContext = {
    .id = "L1",
    .name = "call_function_context",
    .rule = "A call to other CPUs that waits is made with interrupts on, preemption off, by a task.",
    .why = "Two CPUs that do this wait for each other for ever.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kCallFunction, &Judge);
    }};

}  // namespace shootdown::check
