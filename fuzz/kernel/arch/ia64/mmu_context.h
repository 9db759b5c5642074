// Context numbers (region ids) of ia64. A number is taken from a bitmap, and kept until the mm is
// flushed as a whole: then the mm has none, and gets another where it is next loaded. Numbers that
// were given up come back at a wrap, after which each CPU flushes its TLB before it loads a number
// again.
//
// Source: Linux 2.6.16 and 6.6 arch/ia64/include/asm/mmu_context.h, arch/ia64/mm/tlb.c.
// Left out: the regions of a number; numbers below 300, which are kept for daemons.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_IA64_MMU_CONTEXT_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_IA64_MMU_CONTEXT_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::ia64 {

void BootContexts(Kernel& kernel);
void InitContext(Kernel& kernel, Mm* mm);
void DestroyContext(Mm* mm);

// Loads `mm`'s number, and gives it one if it has none. Preemption is off.
void activate_context(Mm* mm);
// activate_mm(), and all of switch_mm(): also from an mm to itself.
void switch_mm(Mm* prev, Mm* next);
// Takes `mm`'s number away. In one step, where Linux loads and stores.
void GiveUpContext(Mm* mm);

// Fork holds mmap_lock while it flushes, and so does whoever purges; an operation that does nothing but flush
// (`flush_tlb_mm`) has no such lock, so there is one of the model's own. Interrupts stay on.
[[nodiscard]] SpinLock& FlushLock(Mm* mm);

// Ghost: while the CPUs that run `mm` are told that it has lost its number.
class Renumbering {
 public:
  explicit Renumbering(Mm* mm);
  ~Renumbering();
  Renumbering(const Renumbering&) = delete;
  Renumbering& operator=(const Renumbering&) = delete;

 private:
  Mm* mm_;
};

// For judges.
[[nodiscard]] Ctx NumberOf(const Mm* mm, int cpu);
[[nodiscard]] bool Valid(const Mm* mm, int cpu);

}  // namespace shootdown::kernel::ia64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_IA64_MMU_CONTEXT_H_
