#include "fuzz/sim/fiber.h"

#include "fuzz/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define SHOOTDOWN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHOOTDOWN_ASAN 1
#endif
#endif

#ifdef SHOOTDOWN_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace shootdown::sim {
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

void (*fiber_entry)() = nullptr;

// After a switch: `transfer.data` is the fiber that was left, and where it is to be resumed.
Fiber& Arrive(transfer_t transfer) {
  Fiber& left = *static_cast<Fiber*>(transfer.data);
  left.context = transfer.fctx;
  return left;
}

void Trampoline(transfer_t transfer) {
  Fiber& left = Arrive(transfer);
#ifdef SHOOTDOWN_ASAN
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  if (left.stack == nullptr && left.stack_bytes == 0) {
    left.stack = static_cast<char*>(const_cast<void*>(bottom));
    left.stack_bytes = bytes;
  }
#else
  (void)left;
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

void SwitchFiber(Fiber& from, Fiber& to) {
#ifdef SHOOTDOWN_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
#endif
  const transfer_t transfer = jump_fcontext(to.context, &from);
#ifdef SHOOTDOWN_ASAN
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
  Arrive(transfer);
}

}  // namespace shootdown::sim
