// Fibers: guest code is straight-line C++ that can be left at any step and gone back to. All run on
// one OS thread. Boost.Context's fcontext switches with an indirect jump, which costs a third of a
// switch that returns (as measured: 14 ns against 49 ns, in and out).
//
// A fiber that is not finished when its run ends is simply dropped: guest code owns nothing that
// would need a destructor.
#ifndef SHOOTDOWN_FUZZ_SIM_FIBER_H_
#define SHOOTDOWN_FUZZ_SIM_FIBER_H_

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

#include "fuzz/base/address_sanitizer.h"

#ifdef SHOOTDOWN_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace shootdown::sim {

struct Fiber {
  boost::context::detail::fcontext_t context = nullptr;  // null: not started in this run
  char* stack = nullptr;  // lowest address; null for the host's own stack
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;  // AddressSanitizer's
};

// Gives `fiber` a fresh start: its first switch calls entry(), which must not return.
void PrepareFiber(Fiber& fiber, void (*entry)());

// Leaves `from` and goes on with `to`; returns when somebody switches to `from`. Inline, as are its callers:
// a processor foresees where functions return to, but not across a switch, so each one less on the way back
// to guest code is a branch less that it gets wrong.
inline void SwitchFiber(Fiber& from, Fiber& to) {
#ifdef SHOOTDOWN_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
#endif
  const auto transfer = boost::context::detail::jump_fcontext(to.context, &from);
#ifdef SHOOTDOWN_ASAN
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
  // The fiber that was left, and where it is to be resumed.
  static_cast<Fiber*>(transfer.data)->context = transfer.fctx;
}

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_FIBER_H_
