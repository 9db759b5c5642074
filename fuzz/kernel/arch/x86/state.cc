#include "fuzz/kernel/arch/x86/state.h"

#include "fuzz/kernel/arch/x86/mmu_context.h"

namespace shootdown::kernel::x86 {
namespace {

TlbState* tlb_states = nullptr;
MmContext* contexts = nullptr;
X86Globals* x86_globals = nullptr;
Mm* loaded_mm_switching = nullptr;

// Beside those of processes.
constexpr std::uint64_t kPokingMmId = kMmCountMax;

Mm* BootPokingMm(sim::Arena& arena) {
  Mm* const mm = arena.Alloc<Mm>("poking_mm");
  mm->id = kPokingMmId;
  mm->pgd = arena.Alloc<PageTable>("poking_mm.pgd");
  mm->mm_users.Init(1);
  mm->mm_count.Init(1);
  mm->alive = 1;
  contexts[mm->id].tlb_gen.Init(1);
  return mm;
}

}  // namespace

void BootState(Kernel& kernel) {
  sim::Arena& arena = kernel.machine().arena();
  const int cpu_count = kernel.machine().cpu_count();
  tlb_states = arena.Alloc<TlbState>("cpu_tlbstate", static_cast<std::size_t>(cpu_count));
  contexts = arena.Alloc<MmContext>("mm_context", kMmCountMax + 1);
  for (int c = 0; c < cpu_count; ++c) tlb_states[c].loaded_mm.Init(kernel.init_mm);
  x86_globals = arena.Alloc<X86Globals>("x86_globals");
  x86_globals->poking_mm = BootPokingMm(arena);
  loaded_mm_switching = looks_at_loaded_mm() ? arena.Alloc<Mm>("LOADED_MM_SWITCHING") : nullptr;
}

void BootMm(Kernel& /*kernel*/, Mm* mm) { contexts[mm->id].tlb_gen.Init(1); }

TlbState& cpu_tlbstate(int cpu) { return tlb_states[cpu]; }
TlbState& cpu_tlbstate() { return tlb_states[smp_processor_id()]; }
MmContext& context(const Mm* mm) { return contexts[mm->id]; }
X86Globals& globals() { return *x86_globals; }
Mm* LOADED_MM_SWITCHING() { return loaded_mm_switching; }

void destroy_context(Mm* mm) { sim::Machine::Get().Poison(&contexts[mm->id], sizeof(MmContext)); }

}  // namespace shootdown::kernel::x86
