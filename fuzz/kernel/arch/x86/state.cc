#include "fuzz/kernel/arch/x86/state.h"

namespace shootdown::kernel::x86 {
namespace {

TlbState* tlb_states = nullptr;
MmContext* contexts = nullptr;

}  // namespace

void BootState(Kernel& kernel) {
  sim::Arena& arena = kernel.machine().arena();
  const int cpu_count = kernel.machine().cpu_count();
  tlb_states = arena.Alloc<TlbState>("cpu_tlbstate", static_cast<std::size_t>(cpu_count));
  contexts = arena.Alloc<MmContext>("mm_context", kMmCountMax);
  for (int c = 0; c < cpu_count; ++c) tlb_states[c].loaded_mm.Init(kernel.init_mm);
}

void BootMm(Kernel& /*kernel*/, Mm* mm) { contexts[mm->id].tlb_gen.Init(1); }

TlbState& cpu_tlbstate(int cpu) { return tlb_states[cpu]; }
TlbState& cpu_tlbstate() { return tlb_states[smp_processor_id()]; }
MmContext& context(const Mm* mm) { return contexts[mm->id]; }

void destroy_context(Mm* mm) { sim::Machine::Get().Poison(&contexts[mm->id], sizeof(MmContext)); }

}  // namespace shootdown::kernel::x86
