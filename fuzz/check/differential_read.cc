// X1: the same schedule on a machine that flushes everything everywhere at once. What user code
// gets from memory must be the same there.
//
// The reference needs no second run, whose steps would be others: it is a ghost in this one. In it,
// a change of a pte takes effect in all TLBs while the operation that makes it goes on, and at the
// latest when that operation returns (README.md has the rule). Independent of what the kernel model
// says about its flushes, so a flush that was forgotten, and a page that nobody frees, show as
// well.
#include <algorithm>
#include <array>

#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::kVirtPageCount;

// The last change of each page that the task's current operation has made. All of this stands in
// guest memory, as a part of a run's state.
struct Made {
  struct Change {
    std::uint64_t mm;  // its index
    std::uint64_t number;
  };
  std::uint64_t pages = 0;  // a bit each: `changes` has one
  std::array<Change, kVirtPageCount> changes{};
};
// Of an mm.
struct Noted {
  std::array<std::uint64_t, kVirtPageCount>
      in_effect{};         // the last change whose operation has returned
  std::uint64_t gone = 0;  // pages, a bit each, whose last change took the mapping away
};

Made* made_by;    // by task number
Noted* noted_of;  // by mm index

std::size_t IndexOf(const kernel::Mm* mm) {
  return static_cast<std::size_t>(mm - Kernel::Get().mms);
}

// An interrupt handler works for nobody's operation.
bool InOperation(const Event& e) { return e.task->idle == 0 && !sim::Machine::Get().InInterrupt(); }

// A page that is mapped where there was none needs no flush, and says nothing of entries of before:
// whoever took those away may still be about it.
void NoteChange(const Event& e) {
  if (Kernel::Get().in_setup()) return;
  const std::uint64_t page = std::uint64_t{1} << e.virt;
  std::uint64_t& gone = noted_of[IndexOf(e.mm)].gone;
  const bool was_gone = (gone & page) != 0;
  if (PteOf(e.mm->pgd, VirtPage(static_cast<std::uint8_t>(e.virt))).PeekOwn().valid()) {
    gone &= ~page;
    if (was_gone) return;
  } else {
    gone |= page;
  }
  if (!InOperation(e)) return;
  Made& made = made_by[e.task->number];
  made.pages |= page;
  made.changes[static_cast<std::size_t>(e.virt)] = {.mm = IndexOf(e.mm), .number = e.a};
}

void NoteReturn(const Event& e) {
  Made& made = made_by[e.task->number];
  for (std::size_t va = 0; made.pages != 0; ++va, made.pages >>= 1) {
    if ((made.pages & 1) == 0) continue;
    std::uint64_t& in_effect = noted_of[made.changes[va].mm].in_effect[va];
    in_effect = std::max(in_effect, made.changes[va].number);
  }
}

void Judge(const Event& e) {
  const sim::TlbEntry& entry = *e.entry;
  // A foreign entry is another check's (T4).
  if (entry.ghost.pte_change >=
          noted_of[IndexOf(e.mm)].in_effect[static_cast<std::size_t>(e.virt)] ||
      entry.ghost.owner != e.mm->id || e.mm->pgd == nullptr) {
    return;
  }
  const kernel::Pte used{entry.pte};
  const kernel::Pte now = PteOf(e.mm->pgd, VirtPage(static_cast<std::uint8_t>(e.virt))).Peek();
  const bool write = sim::Machine::Get().log().back().kind == sim::StepKind::kUserStore;
  if (now.valid() && now.page() == used.page() && (!write || now.writable())) return;
  const std::string instead = !now.valid() ? "a page fault"
                              : now.page() != used.page()
                                  ? "physical page " + std::to_string(now.page())
                                  : "a write fault";
  Report(kDifferentialRead, e,
         NameOf(e.task) + " on CPU " + std::to_string(e.cpu) + (write ? " wrote " : " read ") +
             PageName(e.virt) + " of " + NameOf(e.mm) + " in physical page " +
             std::to_string(used.page()) +
             "; had every flush reached every CPU it would have met " + instead);
}

}  // namespace

extern const Check kDifferentialRead = {
    .id = "X1",
    .name = "differential_read",
    .rule = "User code gets the pages that it would get if every flush reached every CPU at once.",
    .why = "What a program reads depends on which CPU it happens to run on.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      const Kernel& k = Kernel::Get();
      sim::Arena& arena = sim::Machine::Get().arena();
      made_by = arena.Alloc<Made>("differential_read_made", static_cast<std::size_t>(k.task_count));
      noted_of =
          arena.Alloc<Noted>("differential_read_noted", static_cast<std::size_t>(k.mm_count));
      judges.Listen(EventKind::kPteChanged, &NoteChange);
      judges.Listen(EventKind::kOperationDone, &NoteReturn);
      judges.Listen(EventKind::kUserHit, &Judge);
    }};

}  // namespace shootdown::check
