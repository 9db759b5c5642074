// A bigger TSB for an mm whose old one has become too small: allocated, filled from the old one,
// published; every CPU that may have the old one loaded is told; then the old one goes.
// Source: Linux 4.19 arch/sparc/mm/tsb.c tsb_grow(), kernel/smp_64.c smp_tsb_sync().
// Simplified: the new table has as many slots as the old one, and comes with the scenario.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TSB_GROW_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TSB_GROW_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

inline constexpr int kTsbEntriesMax = 64;
struct SpareTsb {
  TsbEntry entries[kTsbEntriesMax];
  Cell<std::uint64_t> used;
};

// The current task's mm goes on with `spare`. Nothing happens if somebody has taken that table
// already.
void tsb_grow(SpareTsb* spare);

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TSB_GROW_H_
