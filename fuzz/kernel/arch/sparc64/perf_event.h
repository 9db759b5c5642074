// perf samples: a non-maskable interrupt that looks at the user stack of what it interrupted, in
// the middle of anything but traps. Source: Linux 4.19 arch/sparc/kernel/perf_event.c
// perf_event_nmi_handler(), perf_callchain_user().
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_PERF_EVENT_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_PERF_EVENT_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

// From now on samples are taken, and the stack of every task is in page `va`. Before the first
// step.
void perf_event_open(VirtPage va);

void perf_event_nmi_handler();

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_PERF_EVENT_H_
