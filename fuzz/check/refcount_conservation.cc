// R2 and its R2': counted at the end of a run, when no primitive is half done.
// mm_count = (mm_users > 0) + explicit grabs + lazy borrowers + kthread_use_mm owners.
#include <array>

#include "fuzz/check/check.h"
#include "fuzz/kernel/cpu_hotplug.h"
#include "fuzz/kernel/kernel.h"
#include "fuzz/kernel/mm.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Mm;
using kernel::Task;

// What an mm is counted for.
struct Holders {
  std::int64_t users = 0;      // threads that have it
  std::int64_t borrowers = 0;  // kernel threads that hold mm_count for their active_mm, lazy or used
};

// Of each mm, by its number. All in one pass: the end of each run is judged.
std::array<Holders, kernel::kMmCountMax> CountHolders(const Kernel& k) {
  std::array<Holders, kernel::kMmCountMax> holders;
  const auto of = [&](const Mm* mm) -> Holders& { return holders[static_cast<std::size_t>(mm - k.mms)]; };
  const bool refcounted = kernel::LazyTlbRefcounted();
  const auto look = [&](const Task& task) {
    if (const Mm* const mm = task.mm.Peek(); mm != nullptr) {
      ++(task.kthread == 0 ? of(mm).users : of(mm).borrowers);
    } else if (const Mm* const active = task.active_mm.Peek(); refcounted && active != nullptr) {
      ++of(active).borrowers;
    }
  };
  for (int t = 0; t < k.task_count; ++t) look(k.tasks[t]);
  for (int c = 0; c < sim::Machine::Get().cpu_count(); ++c) {
    look(k.idle[c]);
    const Mm* const prev = k.cpus[c].rq.prev_mm.Peek();
    if (refcounted && prev != nullptr) ++of(prev).borrowers;
  }
  return holders;
}

// Boot counts a reference to init_mm for each CPU. Refcounted lazy TLB keeps that up to date, until a CPU is
// taken down: its idle task ends up with init_mm, whether or not it had the reference.
bool CountsInitMm(const Kernel& k) {
  for (int c = 0; c < sim::Machine::Get().cpu_count(); ++c) {
    if (k.cpus[c].hotplug.Peek() != static_cast<std::uint64_t>(kernel::CpuState::kOnline)) return false;
  }
  return kernel::LazyTlbRefcounted();
}

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  const std::array<Holders, kernel::kMmCountMax> holders = CountHolders(k);
  for (int i = 0; i < k.mm_count; ++i) {
    const Mm& mm = k.mms[i];
    if (mm.alive == 0) continue;
    if (&mm == k.init_mm && !CountsInitMm(k)) continue;
    const auto [users, borrowers] = holders[static_cast<std::size_t>(i)];
    if (mm.mm_users.Peek() < users) {
      Report(kRefcountConservation, e,
             "mm_users of " + NameOf(&mm) + " is " + std::to_string(mm.mm_users.Peek()) + ", but " +
                 std::to_string(users) + " threads have it");
    }
    const std::int64_t want = static_cast<std::int64_t>(mm.grabs) + borrowers;
    if (mm.mm_count.Peek() != want) {
      Report(kRefcountConservation, e,
             "mm_count of " + NameOf(&mm) + " is " + std::to_string(mm.mm_count.Peek()) +
                 ", but its holders add up to " + std::to_string(want));
    }
    if (want == 0) {
      Report(kRefcountConservation, e, NameOf(&mm) + " has no holder and was not freed: a leak");
    }
  }
}

}  // namespace

extern const Check kRefcountConservation = {
    .id = "R2",
    .name = "refcount_conservation",
    .rule = "Each reference that mm_count counts has a holder, and each holder is counted.",
    .why = "A missing one is a use after free, one too many is a leak.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kQuiet, &Judge);
    }};

}  // namespace shootdown::check
