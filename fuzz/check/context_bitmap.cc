// T7: the allocator of context numbers is sound.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  const std::uint64_t used = k.globals->context.mmu_context_bmap.Peek();
  const kernel::CtxValue cache = k.globals->context.tlb_context_cache.Peek();
  const kernel::CtxValue ctx = e.mm->context.sparc64_ctx_val.Peek();
  if ((used & 1) == 0) Report(kContextBitmap, e, "number 0, the kernel's, is marked free");
  if (cache.version() == 0) Report(kContextBitmap, e, "the context version is 0");
  // 0: never allocated. The store of its first number may not be in memory yet.
  if (ctx.bits != 0 && ctx.number().value() == 0) {
    Report(kContextBitmap, e, NameOf(e.mm) + " was given number 0, the kernel's");
  }
  if (ctx.version() == cache.version() && (used >> ctx.number().value() & 1) == 0) {
    Report(kContextBitmap, e,
           NameOf(e.mm) + " has number " + std::to_string(ctx.number().value()) +
               ", which is marked free");
  }
}

}  // namespace

extern const Check kContextBitmap = {
    .id = "T7",
    .name = "context_bitmap",
    .rule = "Every number that a valid mm has is marked used; 0 is never given out.",
    .why = "A number marked free is given to a second mm.",
    .on_by_default = true,
    .arch = "sparc64",
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kContextAssigned, &Judge);
    }};

}  // namespace shootdown::check
