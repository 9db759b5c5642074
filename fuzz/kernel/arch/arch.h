// What an architecture decides, and generic kernel code leaves to it. In Linux each architecture
// defines these functions and one is compiled in; here a scenario chooses (`arch: "sparc64"`).
//
// An architecture is a policy: who gets a context number, who is told of a change, what a miss does.
// All of them run on the simulated machine, whose cross calls and interrupts they use. Each lives in a
// folder of its own, knows no other, and is listed in arch.cc.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_ARCH_H_

#include <span>
#include <string_view>
#include <vector>

#include "fuzz/kernel/arch/hardware_walk.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

struct MmuGather;

struct Arch {
  std::string_view name;  // what scenarios say
  std::string_view what;  // one sentence
  // Areas of version switches that change this architecture, beside its name.
  std::span<const std::string_view> switch_areas = {};

  // Before the first run; no steps. Lays out what all CPUs share, and what each user mm needs
  // (init_new_context).
  void (*boot)(Kernel& kernel);
  void (*boot_mm)(Kernel& kernel, Mm* mm);

  // arch/*/include/asm/mmu_context.h. IRQs and locks as Linux has them at each call.
  void (*switch_mm)(Mm* prev, Mm* next);                 // also switch_mm_irqs_off and activate_mm
  void (*enter_lazy_tlb)(Mm* mm, Task* task) = nullptr;  // null: nothing of the architecture's own
  void (*prepare_arch_switch)() = nullptr;  // before the current task leaves the CPU; null: nothing
  void (*switch_to)(Task* next) = nullptr;  // arch/*/include/asm/switch_to.h; null: nothing of this
  void (*destroy_context)(Mm* mm);
  // arch_exit_mmap(), before anything is unmapped; null: nothing.
  void (*exit_mmap)(Mm* mm) = nullptr;
  // This CPU goes offline, and gives up its bit (arch_clear_mm_cpumask_cpu); null: the bit is all.
  void (*clear_mm_cpumask_cpu)(Mm* mm) = nullptr;

  // arch/*/include/asm/pgtable.h. The page table lock is held. Generic, where nothing else is said:
  // an entry is a plain word, and TLBs are told later.
  void (*set_pte_at)(Mm* mm, VirtPage va, Pte pte) = &page_table::set_pte_at;
  Pte (*ptep_get_and_clear)(Mm* mm, VirtPage va, bool fullmm) = &page_table::ptep_get_and_clear;
  // Null, as with most: nothing happens.
  void (*update_mmu_cache)(Mm* mm, VirtPage va, Pte pte) = nullptr;
  void (*enter_lazy_mmu_mode)() = nullptr;
  void (*leave_lazy_mmu_mode)() = nullptr;

  // arch/*/include/asm/tlbflush.h, tlb.h. Empty where a change of a pte flushes by itself.
  void (*tlb_flush)(MmuGather* tlb) = &page_table::tlb_flush;
  void (*flush_tlb_mm)(Mm* mm);
  // Changes of ptes flush nothing: whoever makes them flushes afterwards, as mmu_gather does. Then page
  // tables are pages of the pool as well, for hardware may walk them.
  bool deferred_flush = false;
  // [first, first + count). Null where a change of a pte flushes by itself.
  void (*flush_tlb_range)(Mm* mm, VirtPage first, int count) = nullptr;
  // Reclaim notes the CPUs that may have translations, and flushes them all once
  // (CONFIG_ARCH_WANT_BATCHED_UNMAP_TLB_FLUSH). Null: not supported.
  void (*tlbbatch_add_mm)(CpuBits* batch, Mm* mm) = nullptr;
  void (*tlbbatch_flush)(CpuBits* batch) = nullptr;

  // Interrupts of the architecture's own: a softint of a level that generic code does not know, and
  // the non-maskable one. Null: nothing happens.
  void (*softint)(int level) = nullptr;
  void (*nmi)() = nullptr;

  // A user access found no entry that serves it: the hardware or a trap handler looks further.
  // True: try again. False: no valid pte; a full fault follows.
  bool (*tlb_miss)(VirtPage va, bool write) = &HardwareWalk;
  // Bits that a TLB entry needs to serve a store.
  std::uint64_t store_needs = Pte::kValid | Pte::kWrite;
  // Hardware walks page tables whenever it likes, and keeps what it finds. Null: it does not.
  // can_walk: there would be something for this CPU to fetch. No steps.
  bool (*can_walk)(VirtPage va) = nullptr;
  void (*walk)(VirtPage va) = nullptr;

  // Adds a level to the page table; mmap_lock is held for writing. Null: it has all it can have.
  void (*upgrade_page_table)(Mm* mm) = nullptr;

  // A CPU that runs an mm must have its bit in mm_cpumask.
  bool uses_mm_cpumask = true;
  // One that borrows it, too, so that `mm.lazy_tlb = shootdown` finds them all
  // (CONFIG_MMU_LAZY_TLB_SHOOTDOWN).
  bool shoots_lazies = false;
  // Context numbers that must be there beyond one for each CPU; a scenario with fewer is refused.
  int spare_contexts = 0;

  // For judges; no steps. The number that tags entries of `mm` on `cpu` now, and whether it is current:
  // false if `mm` gets another before it is used again there.
  Ctx (*context_number)(const Mm* mm, int cpu);
  bool (*context_valid)(const Mm* mm, int cpu);
};

// All architectures, sparc64 first.
[[nodiscard]] std::span<const Arch* const> AllArchs();
[[nodiscard]] const Arch* FindArch(std::string_view name);  // null if there is none
// The names of those that the version switches of `area` change; none: they change generic code.
[[nodiscard]] std::vector<std::string_view> ArchsOfArea(std::string_view area);

// The kernel's own names for what the chosen architecture does.
[[nodiscard]] inline const Arch& arch() { return *Kernel::Get().arch; }
inline void switch_mm(Mm* prev, Mm* next) { arch().switch_mm(prev, next); }
inline void enter_lazy_tlb(Mm* mm, Task* task) {
  if (arch().enter_lazy_tlb != nullptr) arch().enter_lazy_tlb(mm, task);
}
inline void destroy_context(Mm* mm) { arch().destroy_context(mm); }
inline void set_pte_at(Mm* mm, VirtPage va, Pte pte) { arch().set_pte_at(mm, va, pte); }
[[nodiscard]] inline Pte ptep_get_and_clear(Mm* mm, VirtPage va, bool fullmm) {
  return arch().ptep_get_and_clear(mm, va, fullmm);
}
inline void update_mmu_cache(Mm* mm, VirtPage va, Pte pte) {
  if (arch().update_mmu_cache != nullptr) arch().update_mmu_cache(mm, va, pte);
}
inline void arch_enter_lazy_mmu_mode() {
  if (arch().enter_lazy_mmu_mode != nullptr) arch().enter_lazy_mmu_mode();
}
inline void arch_leave_lazy_mmu_mode() {
  if (arch().leave_lazy_mmu_mode != nullptr) arch().leave_lazy_mmu_mode();
}
inline void tlb_flush(MmuGather* tlb) { arch().tlb_flush(tlb); }
inline void flush_tlb_mm(Mm* mm) { arch().flush_tlb_mm(mm); }
inline void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  if (arch().flush_tlb_range != nullptr) arch().flush_tlb_range(mm, first, count);
}

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_ARCH_H_
