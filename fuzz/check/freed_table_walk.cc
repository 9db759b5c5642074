// T8: page tables are freed only when no walker can reach them: by what is loaded, or by what the CPU
// remembers of upper levels.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  const auto& table = *static_cast<const kernel::Page*>(e.object);
  if (table.incarnation == e.a && e.mm->alive != 0) return;
  Report(kFreedTableWalk, e,
         "the walker of CPU " + std::to_string(e.cpu) + ", looking for " + PageName(e.virt) + " of " +
             NameOf(e.mm) + ", reads physical page " + std::to_string(table.number) +
             " as a page table, which has been freed");
}

}  // namespace

extern const Check kFreedTableWalk = {
    .id = "T8",
    .name = "freed_table_walk",
    .rule = "No hardware walk reads a page table that has been freed.",
    .why = "What it finds there becomes a translation: of anybody's memory, or a machine check.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kTableWalk, &Judge);
    }};

}  // namespace shootdown::check
