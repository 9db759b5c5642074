#include "fuzz/kernel/smp_call.h"

#include <bit>

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/sparc64/smp.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel {

using sim::Machine;
using sim::WaitKind;

namespace {

bool NobodyStopsAll() {
  const Kernel& k = Kernel::Get();
  for (int c = 0; c < Machine::Get().cpu_count(); ++c) {
    if (k.cpus[c].stops_all != 0) return false;
  }
  return true;
}

}  // namespace

CpuBits OnlineCpus(CpuBits mask) {
  Machine::Get().WaitUntil(SHOOTDOWN_SITE("stop_machine"), WaitKind::kBlocked,
                           [] { return NobodyStopsAll(); });
  const Kernel& k = Kernel::Get();
  for (int c = 0; c < Machine::Get().cpu_count(); ++c) {
    sim::Learn(k.cpus[c].offline);
    if (k.cpus[c].offline != 0) mask = mask.Without(c);
  }
  return mask;
}

void smp_call_function_many(CpuBits mask, void (*fn)(std::uint64_t info), std::uint64_t info,
                            bool wait) {
  Kernel& k = Kernel::Get();
  const int self = smp_processor_id();
  Tell({.kind = EventKind::kCallFunction, .a = mask.bits, .b = wait ? 1u : 0u});
  const CpuBits targets = OnlineCpus(mask).Without(self);
  if (targets.bits == 0) return;
  CallData* const csd = &this_cpu().call;
  csd->targets = targets.bits;
  const auto done = [csd] { return csd->pending.Peek() == 0; };
  // csd_lock: the request before may still be in use.
  Machine::Get().WaitUntil(SHOOTDOWN_SITE("csd_lock"), WaitKind::kBlocked, done);
  csd->fn = fn;
  csd->info = info;
  WRITE_ONCE(csd->pending, targets.bits);
  for (std::uint64_t left = targets.bits; left != 0; left &= left - 1) {
    const int cpu = std::countr_zero(left);
    auto& call_single_queue = k.cpus[cpu].call.queue;
    ATOMIC_RMW(call_single_queue, old | std::uint64_t{1} << self);
    arch_send_call_function_ipi(cpu);
  }
  csd->targets = 0;
  if (wait) {
    Machine::Get().WaitUntil(SHOOTDOWN_SITE_AS("csd_lock_wait", &sim::FormatMask),
                             WaitKind::kBlocked, done);
  }
}

bool IsCalled(int cpu) {
  const Kernel& k = Kernel::Get();
  for (int c = 0; c < Machine::Get().cpu_count(); ++c) {
    const CallData& call = k.cpus[c].call;
    if (CpuBits{call.targets | call.pending.Peek()}.Has(cpu)) return true;
  }
  return false;
}

CpuBits AllCpus() {
  const int count = Machine::Get().cpu_count();
  return {count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1};
}

void generic_smp_call_function_interrupt() {
  Kernel& k = Kernel::Get();
  const int self = smp_processor_id();
  auto& call_single_queue = this_cpu().call.queue;
  std::uint64_t senders = ATOMIC_RMW(call_single_queue, std::uint64_t{0});
  for (; senders != 0; senders &= senders - 1) {
    CallData* const csd = &k.cpus[std::countr_zero(senders)].call;
    sim::Learn(reinterpret_cast<std::uintptr_t>(csd->fn));
    sim::Learn(csd->info);
    csd->fn(csd->info);
    ATOMIC_RMW(csd->pending, old & ~(std::uint64_t{1} << self));
  }
}

}  // namespace shootdown::kernel
