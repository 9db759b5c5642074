// R6: a page goes to the allocator only when no page table maps it.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Mm;

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  const auto& page = *static_cast<const kernel::Page*>(e.object);
  for (int i = 1; i < k.mm_count; ++i) {
    const Mm& mm = k.mms[i];
    if (mm.alive == 0) continue;
    for (int va = 0; va < kernel::kVirtPageCount; ++va) {
      const kernel::Pte pte = mm.pgd->pte[va].Peek();
      if (!pte.valid() || pte.page() != page.number) continue;
      Report(kPageFreedWhileMapped, e,
             "physical page " + std::to_string(page.number) + " was freed while " + NameOf(&mm) +
                 " maps it at " + PageName(va));
    }
  }
}

}  // namespace

extern const Check kPageFreedWhileMapped = {
    .id = "R6",
    .name = "page_freed_while_mapped",
    .rule = "A page is freed only when no page table maps it.",
    .why = "The next owner shares it with this mm.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kPageFreed, &Judge);
    }};

}  // namespace shootdown::check
