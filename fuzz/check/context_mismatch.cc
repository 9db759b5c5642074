// T5: CPUs that run threads of one mm have the same context number loaded, that of the mm.
// CPUs inside a switch are left out. Page sizes, the register's other fields, are looked at when they are
// used, from when hugetlb_setup has returned.
#include "fuzz/check/check.h"
#include "fuzz/kernel/arch/arch.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Mm;
using kernel::PerCpu;

void JudgePageSizes(const Event& e) {
  const std::uint64_t loaded = Kernel::Get().cpus[e.cpu].page_sizes;
  const std::uint64_t want = e.mm->context.sparc64_ctx_val.Peek().page_sizes();
  if (loaded == want || e.mm->context.page_sizes_told != want) return;
  Report(kContextMismatch, e,
         NameOf(e.task) + " on CPU " + std::to_string(e.cpu) + " uses " + NameOf(e.mm) +
             " with the page sizes of before hugetlb_setup, which has returned");
}

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  const Mm* const mm = e.mm;
  if (mm == nullptr || mm == k.init_mm || e.task->mm.Peek() != mm) return;
  for (int c = 0; c < k.machine().cpu_count(); ++c) {
    const PerCpu& pc = k.cpus[c];
    if (pc.in_switch != 0 || pc.hardware_mm != mm || kernel::TaskOn(c)->mm.Peek() != mm) continue;
    const Ctx want = kernel::arch().context_number(mm, c);
    const Ctx loaded = k.machine().secondary(c);
    if (loaded == want) continue;
    Report(kContextMismatch, e,
           "CPU " + std::to_string(c) + " runs " + NameOf(mm) + " with context " +
               std::to_string(loaded.value()) + ", but its number is " + std::to_string(want.value()));
  }
}

}  // namespace

extern const Check kContextMismatch = {
    .id = "T5",
    .name = "context_mismatch",
    .rule = "All CPUs that run an mm have its current context number loaded.",
    .why = "Flushes name one number; entries under another survive them.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMmSwitched, &Judge);
      judges.Listen(EventKind::kUserHit, &JudgePageSizes);
    }};

}  // namespace shootdown::check
