// L8: a CPU that is offline ends no mm. RCU does not wait for it any more.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;

void Judge(const Event& e) {
  if (Kernel::Get().cpus[e.cpu].offline == 0) return;
  Report(kFreedOffline, e,
         NameOf(e.mm) + " is freed by CPU " + std::to_string(e.cpu) + ", which is offline already");
}

}  // namespace

extern const Check kFreedOffline = {
    .id = "L8",
    .name = "freed_offline",
    .rule = "An mm is not freed by a CPU that is offline.",
    .why = "RCU no longer watches that CPU: what it frees may still be read, and what it reads be freed.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMmFreed, &Judge);
    }};

}  // namespace shootdown::check
