#include "fuzz/kernel/arch/arm/asid_versions.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"

namespace shootdown::kernel::arm::asid_versions {
namespace {

struct State {
  Cell<std::uint64_t> cpu_last_asid;
};
struct Context {
  Cell<std::uint64_t> id;
  std::uint64_t latest = 0;  // ghost: the value stored last, also if it is in a store buffer still
};

State& state() { return *static_cast<State*>(Kernel::Get().globals->arch_data); }
Context& ContextOf(const Mm* mm) { return *static_cast<Context*>(mm->context.other); }

// ASID_FIRST_VERSION; numbers are the bits below.
std::uint64_t FirstVersion() {
  return static_cast<std::uint64_t>(sim::Machine::Get().config().context_count);
}
std::uint64_t Number(std::uint64_t id) { return id & (FirstVersion() - 1); }
std::uint64_t Version(std::uint64_t id) { return id & ~(FirstVersion() - 1); }

void __new_context(Mm* mm, Mask mask) {
  Cell<std::uint64_t>& cpu_last_asid = state().cpu_last_asid;
  std::uint64_t asid = ATOMIC_RMW(cpu_last_asid, old + 1) + 1;
  if (Number(asid) == 0) {  // which is nobody's
    asid = ATOMIC_RMW(cpu_last_asid, old + 1) + 1;
    tlb::BroadcastAll();
  }
  if (mask == Mask::kResetToThisCpu) WRITE_ONCE(mm->mm_cpumask, CpuBits{}.With(smp_processor_id()));
  auto& [id, latest] = ContextOf(mm);
  WRITE_ONCE(id, asid);
  latest = asid;
  Tell({.kind = EventKind::kContextAssigned, .mm = mm});
}

}  // namespace

void Boot(Kernel& kernel) {
  auto* const shared = kernel.machine().arena().Alloc<State>("asid");
  shared->cpu_last_asid.Init(FirstVersion());
  kernel.globals->arch_data = shared;
  InitContext(kernel, kernel.init_mm);
}

void InitContext(Kernel& kernel, Mm* mm) {
  mm->context.other =
      kernel.machine().arena().Alloc<Context>("mm" + std::to_string(mm->id) + ".context");
}

void DestroyContext(Mm* mm) {
  sim::Machine::Get().Poison(&ContextOf(mm).id, sizeof(ContextOf(mm).id));
}

void check_context(Mm* mm, Mask mask) {
  auto& [id, latest] = ContextOf(mm);
  const std::uint64_t version = Version(READ_ONCE(id));
  if (version != Version(READ_ONCE(state().cpu_last_asid))) __new_context(mm, mask);
}

Ctx ASID(Mm* mm) {
  auto& [id, latest] = ContextOf(mm);
  return Ctx(static_cast<std::uint16_t>(Number(READ_ONCE(id))));
}

Ctx NumberOf(const Mm* mm, int /*cpu*/) {
  return Ctx(static_cast<std::uint16_t>(Number(ContextOf(mm).latest)));
}

bool Valid(const Mm* mm, int /*cpu*/) {
  return Version(ContextOf(mm).latest) == Version(state().cpu_last_asid.Peek());
}

}  // namespace shootdown::kernel::arm::asid_versions
