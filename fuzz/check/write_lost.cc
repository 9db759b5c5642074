// D3: a store through a TLB entry that outlives its pte leaves no dirty bit behind. If the page was
// written out and called clean before, nobody will write it out again. Looked at when all is done.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"
#include "fuzz/kernel/mapped_file.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Mm;

// Some pte still says that the page is dirty.
bool MappedDirty(const Kernel& k, int page) {
  for (int i = 1; i < k.mm_count; ++i) {
    const Mm& mm = k.mms[i];
    if (mm.alive == 0) continue;
    for (const auto& cell : mm.pgd->pte) {
      const kernel::Pte pte = cell.Peek();
      if (pte.present() && pte.dirty() && pte.page() == page) return true;
    }
  }
  return false;
}

void Judge(const Event& e) {
  const Kernel& k = Kernel::Get();
  for (int p = 0; p < k.page_count; ++p) {
    const kernel::Page& page = k.pages[p];
    if (page.file == nullptr || page.stores == page.stores_written) continue;
    if (page.file->dirty.Peek() != 0 || MappedDirty(k, p)) continue;
    const auto lost = page.stores - page.stores_written;
    Report(kWriteLost, e,
           (lost == 1 ? "a store" : std::to_string(lost) + " stores") + " to physical page " + std::to_string(p) +
               " came after the file was written out, and the page is clean");
  }
}

}  // namespace

extern const Check kWriteLost = {
    .id = "D3",
    .name = "write_lost",
    .rule = "What user code stores to a file's page is written out, or the page is still dirty.",
    .why = "The store is forgotten when the page is taken from memory.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) { judges.Listen(EventKind::kQuiet, &Judge); }};

}  // namespace shootdown::check
