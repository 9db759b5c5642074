// How kernel code touches shared memory: the kernel's own words, as macros, since each place must
// become a site of its own. Loads and stores are one step each, atomics one step and a full fence
// (sparc64 runs TSO, and ldstub, swap and cas drain the store buffer: Linux 4.19
// arch/sparc/include/asm/barrier_64.h; SPARC V9, 8.4.3).
#ifndef SHOOTDOWN_FUZZ_KERNEL_ACCESS_H_
#define SHOOTDOWN_FUZZ_KERNEL_ACCESS_H_

#include "fuzz/sim/cell.h"

#define READ_ONCE(cell) ((cell).Load(SHOOTDOWN_CELL_SITE(cell)))
#define WRITE_ONCE(cell, value) ((cell).Store(SHOOTDOWN_CELL_SITE(cell), (value)))

// Atomically cell := expression of `old`; yields the old value.
#define ATOMIC_RMW(cell, ...)               \
  ((cell).Rmw(SHOOTDOWN_CELL_SITE(cell), [&]([[maybe_unused]] auto old) { return __VA_ARGS__; }))

#define smp_mb() (::shootdown::sim::Machine::Get().Fence(SHOOTDOWN_SITE("smp_mb")))

#endif  // SHOOTDOWN_FUZZ_KERNEL_ACCESS_H_
