// L6: a batch belongs to one lazy section on one CPU.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;

void Judge(const Event& e) {
  const kernel::TlbBatch& tb = Kernel::Get().cpus[e.cpu].tlb_batch;
  if (tb.tlb_nr == 0 && tb.active == 0) return;
  Report(kTlbBatchLeak, e,
         "CPU " + std::to_string(e.cpu) + " leaves a lazy mmu section with " +
             std::to_string(tb.tlb_nr) + " pages not flushed, active=" + std::to_string(tb.active));
}

}  // namespace

extern const Check kTlbBatchLeak = {
    .id = "L6",
    .name = "tlb_batch_leak",
    .rule = "The batch is empty and inactive when the lazy section, the lock or the CPU is left.",
    .why = "Pages are freed before they are flushed.",
    .on_by_default = true,
    .arch = "sparc64",
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kBatchLeft, &Judge);
    }};

}  // namespace shootdown::check
