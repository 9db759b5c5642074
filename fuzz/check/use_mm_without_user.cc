// R4: kthread_use_mm needs mm_users for the whole span.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  if (e.kind == EventKind::kUserHit && e.task->using_mm == 0) return;
  const std::int64_t users = e.mm->mm_users.Peek();
  if (users > 0) return;
  Report(kUseMmWithoutUser, e,
         NameOf(e.task) + (e.kind == EventKind::kUseMm ? " takes on " : " uses ") + NameOf(e.mm) +
             ", whose mm_users is " + std::to_string(users));
}

}  // namespace

extern const Check kUseMmWithoutUser = {
    .id = "R4",
    .name = "use_mm_without_user",
    .rule = "A kernel thread uses an mm only while mm_users is held.",
    .why = "The mappings are torn down under it.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kUseMm, &Judge);
      judges.Listen(EventKind::kUserHit, &Judge);
    }};

}  // namespace shootdown::check
