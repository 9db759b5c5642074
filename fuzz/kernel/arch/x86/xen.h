// A paravirtual guest of Xen: page tables are pinned while an mm lives, and Xen refuses to load one
// that is not, or to unpin one that a CPU has loaded; the kernel has a BUG() at either. So
// exit_mmap first asks the CPUs that still have the mm loaded, as lazy ones do, to leave it.
//
// Source: Linux 5.9 arch/x86/xen/mmu_pv.c (xen_exit_mmap, xen_drop_mm_ref, xen_write_cr3).
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_XEN_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_XEN_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::x86 {

// Nothing where the kernel is no guest of Xen.
void xen_exit_mmap(Mm* mm);
// `mm`'s page table has just been loaded.
void xen_write_cr3(Mm* mm);

}  // namespace shootdown::kernel::x86

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_XEN_H_
