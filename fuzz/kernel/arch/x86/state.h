// What x86 keeps for each CPU and each mm. Source: Linux 4.20 arch/x86/include/asm/tlbflush.h
// (cpu_tlbstate), mmu.h (mm_context_t).
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_STATE_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_STATE_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::x86 {

// What the walker remembers of upper levels: that `table` is the leaf table of half an address space.
// Intel SDM volume 3A, 4.10.3 (paging-structure caches).
struct CachedPmd {
  std::uint64_t valid = 0;
  std::uint64_t entry = 0;  // as it was read
  Page* table = nullptr;
  std::uint64_t incarnation = 0;  // ghost: of the table when it was read
};

struct TlbState {
  Cell<Mm*> loaded_mm;
  Cell<std::uint64_t> is_lazy;
  Cell<std::uint64_t> steal_preempted;  // kvm_steal_time.preempted: written by guest and host
  std::uint64_t kvm_guest = 0;          // constant once set up
  Cell<Mm*> xen_current_cr3;            // what Xen has loaded, if this is a guest of Xen
  // The CPU's own.
  std::uint64_t tlb_gen = 0;  // ctxs[0].tlb_gen: up to which generation of loaded_mm it has flushed
  CachedPmd pmds[2];
};

struct MmContext {
  Cell<std::uint64_t> tlb_gen;  // counts flushes, from 1
  std::uint64_t xen_unpinned = 0;  // in Xen: its page table can no longer be loaded
};

struct X86Globals {
  std::uint64_t xen_pv = 0;  // a guest of Xen; constant once set up
  Mm* poking_mm = nullptr;   // for text_poke; no process has it
};

// In the arena; laid out by BootState.
void BootState(Kernel& kernel);
void BootMm(Kernel& kernel, Mm* mm);
[[nodiscard]] TlbState& cpu_tlbstate(int cpu);
[[nodiscard]] TlbState& cpu_tlbstate();  // this CPU's
[[nodiscard]] MmContext& context(const Mm* mm);
[[nodiscard]] X86Globals& globals();
// What loaded_mm is while the CPU switches. An object that only has a name, and is only compared; null if
// nobody looks at it.
[[nodiscard]] Mm* LOADED_MM_SWITCHING();
void destroy_context(Mm* mm);

// No PCIDs: the number only names the mm.
[[nodiscard]] inline Ctx ContextNumber(const Mm* mm) { return Ctx(static_cast<std::uint16_t>(mm->id)); }

}  // namespace shootdown::kernel::x86

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_STATE_H_
