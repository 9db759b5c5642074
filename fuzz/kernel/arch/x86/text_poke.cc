// Kernel code is patched through a mapping that only a temporary mm has. Source: Linux 5.9
// arch/x86/kernel/alternative.c (__text_poke), arch/x86/include/asm/mmu_context.h
// (use_temporary_mm). Left out: the mapping, and the patch.
#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/x86/mmu_context.h"
#include "fuzz/kernel/arch/x86/state.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {

using x86::cpu_tlbstate;
using x86::switch_mm_irqs_off;

namespace {

// abee7c494d8c (5.10): a lazy CPU comes back from the temporary mm to the one that it had only
// borrowed, and no longer as a lazy one. That mm may be gone: while the temporary one was loaded,
// nobody asked this CPU to leave.
enum TemporaryVersion { kLeaveLazy, kStayLazy };
VersionSwitch temporary_version(
    "x86.use_temporary_mm", {"leave_lazy", "stay_lazy"},
    "abee7c494d8c x86/alternatives: Don't call text_poke() in lazy TLB mode");

// The mm that was loaded.
Mm* use_temporary_mm(Mm* mm) {
  const bool lazy = READ_ONCE(cpu_tlbstate().is_lazy) != 0;
  if (lazy && temporary_version.value() == kLeaveLazy) switch_mm_irqs_off(Kernel::Get().init_mm);
  Mm* const prev = READ_ONCE(cpu_tlbstate().loaded_mm);
  switch_mm_irqs_off(mm);
  return prev;
}

void text_poke() {
  const int pil = local_irq_save();
  this_cpu().in_switch = 1;
  Mm* const prev = use_temporary_mm(x86::globals().poking_mm);
  switch_mm_irqs_off(prev);  // unuse_temporary_mm()
  this_cpu().in_switch = 0;
  local_irq_restore(pil);
}

}  // namespace

void RegisterTextPokeOps() {
  RegisterOp({.name = "text_poke",
              .usage = "text_poke",
              .what = "x86_64: patches kernel code through a temporary mm, with interrupts off",
              .run = [](const BoundOp&) { text_poke(); },
              .arch = "x86_64"});
}

}  // namespace shootdown::kernel
