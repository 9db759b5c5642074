// Address space numbers that each CPU gives out for itself: an mm has one on each CPU, or none there.
// A CPU counts up; when its numbers are used up it flushes its own TLB and starts again with the next
// version, kept in the bits above the number, so that all numbers of before are invalid at once.
//
// Source: Linux 6.12 arch/mips/include/asm/mmu_context.h, and what follows it: arch/sh, arch/loongarch,
// arch/alpha (there: ASN). What switch_mm and flushes make of it is each architecture's own.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_PERCPU_ASID_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_PERCPU_ASID_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::percpu_asid {

void Boot(Kernel& kernel);
void InitContext(Kernel& kernel, Mm* mm);
void DestroyContext(Mm* mm);

// cpu_context(this CPU, mm); 0: none. Other CPUs may take it away.
[[nodiscard]] std::uint64_t cpu_context(Mm* mm);
[[nodiscard]] std::uint64_t cpu_context_of(Mm* mm, int cpu);
void set_cpu_context(Mm* mm, int cpu, std::uint64_t value);
// The part of it that tags entries.
[[nodiscard]] Ctx cpu_asid(Mm* mm);
// It is of this CPU's current version.
[[nodiscard]] bool asid_valid(Mm* mm);
// Gives `mm` a number on this CPU that no entry is tagged with.
void get_new_mmu_context(Mm* mm);
// Takes `mm`'s context away on all other CPUs: they will need another when they next switch to it.
void ZeroOthers(Mm* mm);

// The arguments of flush_tlb_range(), for CPUs that are told of it (struct flush_tlb_data).
struct FlushTlbData {
  Mm* mm;
  VirtPage first;
  int count;
};

// Calls ipi(info) on all other CPUs, whatever mm_cpumask says, and waits. With `zero_if_single_user`,
// and if the caller runs the mm as its only user (mm_users is 1, current->mm is `mm`), takes their
// contexts away instead: one that runs the mm by then keeps the loaded one.
// Source: Linux 6.12 arch/mips/kernel/smp.c, arch/sh/kernel/smp.c flush_tlb_mm.
void smp_on_other_tlbs(Mm* mm, bool zero_if_single_user, void (*ipi)(std::uint64_t),
                       std::uint64_t info);

// Registers of this CPU: number and page table. hardware_mm follows.
void Load(Mm* mm);

// For judges.
[[nodiscard]] Ctx NumberOf(const Mm* mm, int cpu);
[[nodiscard]] bool ValidOn(const Mm* mm, int cpu);

// While a CPU changes the number of the mm that it runs; interrupts are off.
class Renumbering {
 public:
  Renumbering() : in_switch_before_(this_cpu().in_switch) { this_cpu().in_switch = 1; }
  ~Renumbering() { this_cpu().in_switch = in_switch_before_; }
  Renumbering(const Renumbering&) = delete;
  Renumbering& operator=(const Renumbering&) = delete;

 private:
  std::uint64_t in_switch_before_;
};

}  // namespace shootdown::kernel::percpu_asid

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_PERCPU_ASID_H_
