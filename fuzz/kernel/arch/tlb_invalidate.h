// Instructions that drop TLB entries, one step each: of this CPU (powerpc tlbiel, mips tlbwi, ...), or
// of all CPUs (powerpc tlbie, arm64 TLBI ...IS), complete when the step is. What must be in memory
// before goes there by a fence of the caller's own, as in the kernel.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_TLB_INVALIDATE_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_TLB_INVALIDATE_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::tlb {

void LocalPage(Ctx ctx, VirtPage va);
void LocalContext(Ctx ctx);
void LocalAll();
void LocalRange(Ctx ctx, VirtPage first, int count);  // a step a page

void BroadcastPage(Ctx ctx, VirtPage va);
void BroadcastContext(Ctx ctx);
void BroadcastAll();
void BroadcastRange(Ctx ctx, VirtPage first, int count);

}  // namespace shootdown::kernel::tlb

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_TLB_INVALIDATE_H_
