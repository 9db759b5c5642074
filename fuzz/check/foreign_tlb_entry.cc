// T4: catches every bug in giving out context numbers.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  if (e.entry->ghost.owner == e.mm->id) return;
  Report(kForeignTlbEntry, e,
         NameOf(e.task) + " on CPU " + std::to_string(e.cpu) + " runs on " + NameOf(e.mm) + " and used " +
             PageName(e.virt) + " through a TLB entry of mm" + std::to_string(e.entry->ghost.owner) +
             " (context " + std::to_string(e.entry->ctx.value()) + ")");
}

}  // namespace

extern const Check kForeignTlbEntry = {
    .id = "T4",
    .name = "foreign_tlb_entry",
    .rule = "A TLB hit belongs to the mm whose context is selected.",
    .why = "One process reads and writes the memory of another.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kUserHit, &Judge);
    }};

}  // namespace shootdown::check
