#include "fuzz/sim/fiber.h"

#include "fuzz/base/check.h"

#ifdef SHOOTDOWN_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace shootdown::sim {
namespace {

using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

void (*fiber_entry)() = nullptr;

void Trampoline(transfer_t transfer) {
  Fiber& left = *static_cast<Fiber*>(transfer.data);
  left.context = transfer.fctx;
#ifdef SHOOTDOWN_ASAN
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  if (left.stack == nullptr && left.stack_bytes == 0) {
    left.stack = static_cast<char*>(const_cast<void*>(bottom));
    left.stack_bytes = bytes;
  }
#endif
  fiber_entry();
  SHOOTDOWN_UNREACHABLE("a fiber's entry returned");
}

}  // namespace

void PrepareFiber(Fiber& fiber, void (*entry)()) {
  fiber_entry = entry;
#ifdef SHOOTDOWN_ASAN
  // Frames of the fiber's last life may have left the stack poisoned.
  ASAN_UNPOISON_MEMORY_REGION(fiber.stack, fiber.stack_bytes);
#endif
  fiber.context = make_fcontext(fiber.stack + fiber.stack_bytes, fiber.stack_bytes, &Trampoline);
}

}  // namespace shootdown::sim
