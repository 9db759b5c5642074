#include "fuzz/kernel/arch/tlb_invalidate.h"

#include "fuzz/kernel/access.h"

namespace shootdown::kernel::tlb {
namespace {

using sim::Machine;
using sim::StepKind;

// Calls f(page) for each of the pages.
template <class F>
void ForEachPage(VirtPage first, int count, F f) {
  for (int va = first.value(); va < first.value() + count; ++va) {
    f(VirtPage(static_cast<std::uint8_t>(va)));
  }
}

// Calls f(tlb) for every CPU's, with walks in progress told to start again (hardware_walk.h).
template <class F>
void OnAllTlbs(F f) {
  Machine& m = Machine::Get();
  ++Kernel::Get().globals->broadcasts;
  for (int cpu = 0; cpu < m.cpu_count(); ++cpu) f(m.tlb(cpu));
}

}  // namespace

void LocalPage(Ctx ctx, VirtPage va) {
  Machine& m = Machine::Get();
  m.Action(
      SHOOTDOWN_SITE_AS("invalidate page here", &FormatVirtPage, "invalidate page * in this TLB"),
      StepKind::kDemap, va.value());
  m.tlb().DemapPage(ctx, va);
}

void LocalContext(Ctx ctx) {
  Machine& m = Machine::Get();
  m.Action(SHOOTDOWN_SITE_AS("invalidate context here", &sim::FormatNumber,
                             "invalidate context * in this TLB"),
           StepKind::kDemap, ctx.value());
  m.tlb().DemapContext(ctx);
}

void LocalAll() {
  Machine& m = Machine::Get();
  m.Action(
      SHOOTDOWN_SITE_AS("invalidate all here", &sim::FormatNumber, "invalidate all in this TLB"),
      StepKind::kDemap, 0);
  m.tlb().DemapAll();
}

void LocalRange(Ctx ctx, VirtPage first, int count) {
  ForEachPage(first, count, [ctx](VirtPage va) { LocalPage(ctx, va); });
}

void BroadcastPage(Ctx ctx, VirtPage va) {
  Machine::Get().Action(SHOOTDOWN_SITE_AS("invalidate page everywhere", &FormatVirtPage,
                                          "invalidate page * in every TLB"),
                        StepKind::kDemap, va.value());
  OnAllTlbs([ctx, va](sim::Tlb tlb) { tlb.DemapPage(ctx, va); });
}

void BroadcastContext(Ctx ctx) {
  Machine::Get().Action(SHOOTDOWN_SITE_AS("invalidate context everywhere", &sim::FormatNumber,
                                          "invalidate context * in every TLB"),
                        StepKind::kDemap, ctx.value());
  OnAllTlbs([ctx](sim::Tlb tlb) { tlb.DemapContext(ctx); });
}

void BroadcastAll() {
  Machine::Get().Action(SHOOTDOWN_SITE_AS("invalidate all everywhere", &sim::FormatNumber,
                                          "invalidate all in every TLB"),
                        StepKind::kDemap, 0);
  OnAllTlbs([](sim::Tlb tlb) { tlb.DemapAll(); });
}

void BroadcastRange(Ctx ctx, VirtPage first, int count) {
  ForEachPage(first, count, [ctx](VirtPage va) { BroadcastPage(ctx, va); });
}

}  // namespace shootdown::kernel::tlb
