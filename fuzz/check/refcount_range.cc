// R1: neither counter goes below 0, and mm_users never comes back from 0.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  const char* const counter = e.kind == EventKind::kMmUsers ? "mm_users" : "mm_count";
  const auto before = static_cast<std::int64_t>(e.a);
  const auto after = static_cast<std::int64_t>(e.b);
  if (after < 0) {
    Report(kRefcountRange, e,
           std::string(counter) + " of " + NameOf(e.mm) + " went below 0, to " + std::to_string(after));
  }
  if (before <= 0 && after > before) {
    Report(kRefcountRange, e,
           std::string(counter) + " of " + NameOf(e.mm) + " came back from " + std::to_string(before));
  }
}

}  // namespace

extern const Check kRefcountRange = {
    .id = "R1",
    .name = "refcount_range",
    .rule = "mm_users and mm_count never go below 0 and never rise from 0.",
    .why = "Somebody frees or uses what is gone already.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMmUsers, &Judge);
      judges.Listen(EventKind::kMmCount, &Judge);
    }};

}  // namespace shootdown::check
