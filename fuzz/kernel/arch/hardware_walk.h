// The tlb_miss of MMUs that walk page tables by themselves, and of trap handlers that do so with
// interrupts off. Interrupts come before or after a walk, never within.
//
// What a walk has read it puts into the TLB, unless an invalidation for all CPUs came in between: such
// an instruction waits for walks in progress, or has them start again. Source: Power ISA 3.0B, Book III,
// 6.10.2 (tlbie, tlbsync); Arm Architecture Reference Manual, D8.14 (TLBI and DSB).
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_HARDWARE_WALK_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_HARDWARE_WALK_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

// Walks the page table that this CPU has loaded (PerCpu::pgd_paddr); the entry is tagged with the
// context number that it has loaded. False: no pte that allows the access.
[[nodiscard]] bool HardwareWalk(VirtPage va, bool write);

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_HARDWARE_WALK_H_
