#include "fuzz/kernel/arch/x86/kvm_guest.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/arch/x86/state.h"
#include "fuzz/kernel/arch/x86/tlb.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {

using x86::cpu_tlbstate;
using x86::TlbState;

namespace {

// 8c6de56a42e0 (5.6): guest and host write one byte. A host that says "preempted" once more, with a plain
// store, wipes out what the guest has asked for in between.
enum PreemptedVersion { kOnce, kEachTime };
VersionSwitch preempted_version("kvm.set_preempted", {"once", "each_time"},
                                "8c6de56a42e0 x86/KVM: Be careful not to clear KVM_VCPU_FLUSH_TLB bit");

constexpr std::uint64_t kVcpuPreempted = 1;
constexpr std::uint64_t kVcpuFlushTlb = 2;

void kvm_steal_time_set_preempted(TlbState& vcpu, bool* preempted) {
  if (*preempted && preempted_version.value() == kOnce) return;
  WRITE_ONCE(vcpu.steal_preempted, kVcpuPreempted);
  *preempted = true;
}

// The host takes the CPU away, has its thread run for a moment without entering the guest, and then
// gives it back. Nothing of the guest runs meanwhile: no interrupt, no walk.
void vcpu_preempted() {
  sim::Machine& m = sim::Machine::Get();
  TlbState& vcpu = cpu_tlbstate();
  bool preempted = false;
  m.SetIe(false);
  kvm_steal_time_set_preempted(vcpu, &preempted);  // vcpu_put
  kvm_steal_time_set_preempted(vcpu, &preempted);  // vcpu_load, and vcpu_put before it came to run
  if ((ATOMIC_RMW(vcpu.steal_preempted, std::uint64_t{0}) & kVcpuFlushTlb) != 0) {  // record_steal_time
    m.Action(SHOOTDOWN_SITE_AS("flush the guest", &sim::FormatNumber,
                               "flush the guest: empties this TLB"),
             sim::StepKind::kDemap, m.secondary(m.cpu()).value());
    x86::DropTranslations();
  }
  m.SetIe(true);
}

}  // namespace

CpuBits x86::kvm_flush_tlb_others(CpuBits targets) {
  for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
    if (!targets.Has(cpu) || cpu_tlbstate(cpu).kvm_guest == 0) continue;
    Cell<std::uint64_t>& steal_preempted = cpu_tlbstate(cpu).steal_preempted;
    const std::uint64_t state = READ_ONCE(steal_preempted);
    if ((state & kVcpuPreempted) == 0) continue;
    const std::uint64_t before =
        ATOMIC_RMW(steal_preempted, old == state ? old | kVcpuFlushTlb : old);
    if (before == state) targets = targets.Without(cpu);
  }
  return targets;
}

void RegisterKvmGuestOps() {
  RegisterOp({.name = "kvm_preempt",
              .usage = "kvm_preempt",
              .what = "the host takes the virtual CPU away for a while",
              .run = [](const BoundOp&) {
                if (cpu_tlbstate().kvm_guest != 0) vcpu_preempted();
              },
              .arch = "x86_64"});
  RegisterOp({.name = "kvm_guest",
              .usage = "kvm_guest",
              .what = "this CPU is a virtual one from now on, with KVM_FEATURE_PV_TLB_FLUSH",
              .run = [](const BoundOp&) { cpu_tlbstate().kvm_guest = 1; },
              .arch = "x86_64"});
}

}  // namespace shootdown::kernel
