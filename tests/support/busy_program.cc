#include "tests/support/busy_program.h"

namespace shootdown::testing {
namespace {

void Lock(GuestProgram& g) {
  for (;;) {
    const std::uint64_t old = g.cell('w').Rmw(SHOOTDOWN_SITE("lock"), [](std::uint64_t) { return 1; });
    if (old == 0) return;
    g.WaitUntilEquals('w', 0);
  }
}

void Unlock(GuestProgram& g) { g.Store('w', 0); }

void SendUntilAccepted(GuestProgram& g, int target) {
  while (!g.SendMondo(target, 0)) {
    g.machine().WaitUntil(SHOOTDOWN_SITE("room"), sim::WaitKind::kBlocked,
                          [&g, target] { return g.machine().MondoRoom(target); });
  }
}

void BusyThread(GuestProgram& g) {
  const int cpu = g.machine().cpu();
  for (std::uint64_t round = 0; round < 3; ++round) {
    g.Store("xyz"[cpu], round + 1);
    g.reg[8 + cpu] += g.Load("xyz"[(cpu + 1) % 3]);
    Lock(g);
    g.Add("xyz"[(cpu + 2) % 3], 1);
    g.Store('x', g.Load('y') + round);
    Unlock(g);
    g.machine().SetPil(round % 2 == 0 ? 14 : 0);
    SendUntilAccepted(g, (cpu + 1) % 3);
    g.machine().SetIe(round != 1);
    g.Store('z', round);
    g.machine().SetIe(true);
    g.machine().SetPil(0);
    (void)g.machine().UserAccess(SHOOTDOWN_SITE("user"), false, VirtPage{0}, 0);
  }
}

void BusyMondo(GuestProgram& g) {
  g.Store('y', g.Load('x'));
  g.machine().RaiseSoftint(g.machine().cpu(), 1);
}

void BusySoftint(GuestProgram& g, int level) {
  g.Store('z', static_cast<std::uint64_t>(level));
  (void)g.Load('x');
}

void BusyNmi(GuestProgram& g) { (void)g.Load('z'); }

}  // namespace

GuestProgram::Parts BusyProgram() {
  return {.threads = {&BusyThread, &BusyThread, &BusyThread},
          .mondos = {&BusyMondo},
          .softint = &BusySoftint,
          .nmi = &BusyNmi};
}

std::vector<BusyCase> BusyCases() {
  using sim::MemoryModel;
  using sim::MondoFlavour;
  return {{"Sc", {.memory_model = MemoryModel::kSc}},
          {"Tso", {.memory_model = MemoryModel::kTso, .store_buffer_entries = 3}},
          {"TsoSun4u", {.memory_model = MemoryModel::kTso, .mondo_flavour = MondoFlavour::kSun4u}},
          {"Pso", {.memory_model = MemoryModel::kPso, .store_buffer_entries = 4}},
          {"Rmo", {.memory_model = MemoryModel::kRmo, .store_buffer_entries = 4}},
          {"TsoSmallQueueAndDelays",
           {.memory_model = MemoryModel::kTso,
            .tlb_sharing = 2,
            .mondo_queue_entries = 1,
            .mondo_delay_max = 2}}};
}

}  // namespace shootdown::testing
