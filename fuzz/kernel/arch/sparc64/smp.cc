#include "fuzz/kernel/arch/sparc64/smp.h"

#include <array>
#include <bit>

#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

using sim::Machine;
using sim::Mondo;
using sim::MondoDone;
using sim::MondoFlavour;
using sim::WaitKind;

// A target that does not take a cross call for long: sun4u prints "mondo stuckage" after 100,000 polls,
// gives up, and goes on as if it had been delivered (sun4v until 2017 as well). `retry` never does.
enum StuckVersion { kRetry, kAbandon };
VersionSwitch stuck_version("sparc64.xcall_stuck", {"retry", "abandon"},
                            "Linux 4.19 arch/sparc/kernel/smp_64.c cheetah_xcall_deliver");
constexpr int kPollCount = 3;  // stands for 100,000

// These run C code later: at trap level 1 they only set a softint and retry.
void xcall_receive_signal(std::uint64_t, std::uint64_t, std::uint64_t) {
  Machine::Get().RaiseSoftint(smp_processor_id(), sim::kPilReschedule);
}
void xcall_call_function(std::uint64_t, std::uint64_t, std::uint64_t) {
  Machine::Get().RaiseSoftint(smp_processor_id(), kPilCallFunction);
}

}  // namespace

void xcall_deliver(const sim::Site& site,
                   void (*handler)(std::uint64_t, std::uint64_t, std::uint64_t), std::uint64_t a0,
                   std::uint64_t a1, std::uint64_t a2, CpuBits mask) {
  Machine& m = Machine::Get();
  CpuBits left = mask.Without(smp_processor_id());
  if (left.bits == 0) return;
  const int pil = local_irq_save();  // the mondo block is per CPU
  const bool sun4u = m.config().mondo_flavour == MondoFlavour::kSun4u;
  const CpuBits targets = left;
  std::array<std::uint64_t, CpuBits::kCpuCountMax> ticket{};
  int polls = 0;
  while (left.bits != 0) {
    const int target = std::countr_zero(left.bits);
    // sun4u: no interrupt may come between the dispatch registers and the dispatch.
    if (sun4u) m.SetIe(false);
    const bool accepted =
        m.SendMondo(site, target, Mondo{.handler = handler, .a0 = a0, .a1 = a1, .a2 = a2});
    if (accepted) {
      ticket[static_cast<std::size_t>(target)] = m.MondosAccepted(target);
      left = left.Without(target);
    }
    if (sun4u) m.SetIe(true);
    // NACK or a full queue: try again later, with interrupts (mondos) enabled to prevent deadlock.
    if (!accepted && stuck_version.value() == kAbandon) {
      if (++polls < kPollCount) continue;
      Tell({.kind = EventKind::kXcallAbandoned, .a = static_cast<std::uint64_t>(target), .site = &site});
      left = left.Without(target);
      polls = 0;
    } else if (!accepted) {
      m.WaitUntil(site, WaitKind::kBlocked, [&m, target] { return m.MondoRoom(target); });
    }
  }
  if (m.config().mondo_done == MondoDone::kExecuted) {
    m.WaitUntil(site, WaitKind::kBlocked, [&] {
      for (std::uint64_t bits = targets.bits; bits != 0; bits &= bits - 1) {
        const int target = std::countr_zero(bits);
        if (m.MondosExecuted(target) < ticket[static_cast<std::size_t>(target)]) return false;
      }
      return true;
    });
  }
  local_irq_restore(pil);
}

void smp_send_reschedule(int cpu) {
  xcall_deliver(SHOOTDOWN_SITE("xcall_receive_signal"), &xcall_receive_signal, 0, 0, 0,
                CpuBits{}.With(cpu));
}

void arch_send_call_function_ipi(int cpu) {
  xcall_deliver(SHOOTDOWN_SITE("xcall_call_function"), &xcall_call_function, 0, 0, 0,
                CpuBits{}.With(cpu));
}

}  // namespace shootdown::kernel
