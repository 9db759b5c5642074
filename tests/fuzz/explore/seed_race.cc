#include "tests/fuzz/explore/seed_race.h"

#include "fuzz/sim/forget.h"

namespace shootdown::program {
namespace {

constexpr std::uint64_t Mask(int cpu) { return std::uint64_t{1} << cpu; }

void Flush(SeedRace& m, const SeedRaceShape& shape) {
  if (!shape.fixed && LOAD(m.mm_users) == 1) {
    STORE(m.mm_cpumask, 1);
    return;
  }
  const std::uint64_t mask = LOAD(m.mm_cpumask);
  for (int c = 1; c < shape.cpus; ++c) {
    if ((mask & Mask(c)) != 0) STORE(m.ipi[c], 1);
  }
  for (int c = 1; c < shape.cpus; ++c) {
    if ((mask & Mask(c)) != 0) AWAIT(m.ipi[c], now == 0);
  }
}

void Unmap(SeedRace& m, const SeedRaceShape& shape) {
  for (int p = 0; p < shape.pages; ++p) {
    (void)LOAD(m.cleared[p]);  // touch
    STORE(m.cleared[p], 1);
    FENCE();
    {
      const sim::Forgetting flush(SHOOTDOWN_SITE("flush"));
      Flush(m, shape);
    }
    STORE(m.page_freed[p], 1);
  }
  for (int c = 1; c < shape.cpus; ++c) STORE(m.ipi[c], 2);
}

void Poll(SeedRace& m, int cpu, std::uint64_t& tlb) {
  if (LOAD(m.ipi[cpu]) != 1) return;
  tlb = 0;
  STORE(m.ipi[cpu], 0);
}

// The thread has come to its end; its CPU takes cross calls still.
void Serve(SeedRace& m, int cpu, int pages) {
  for (int i = 0; i <= pages; ++i) {
    if (AWAIT(m.ipi[cpu], now != 0) == 2) return;
    STORE(m.ipi[cpu], 0);
  }
}

void UseMm(SeedRace& m, const SeedRaceShape& shape) {
  std::uint64_t tlb = 0;
  if (RMW(m.mm_users, old != 0 ? old + 1 : 0) != 0) {  // mmget_not_zero
    {
      const sim::Forgetting join(SHOOTDOWN_SITE("join"));
      if ((LOAD(m.mm_cpumask) & 2) == 0) RMW(m.mm_cpumask, old | 2);
    }
    FENCE();
    (void)LOAD(m.mm_context);
    sim::Forgetting access(SHOOTDOWN_SITE("access"));
    std::uint64_t done = 0;
    // All that the thread has in variables is how far it is, and its TLB.
    const auto goes_on = [&] { access.Again(++done << 32 | tlb); };
    for (int k = 0; k < shape.accesses; ++k) {
      for (int p = 0; p < shape.pages; ++p) {
        Poll(m, 1, tlb);
        goes_on();
        if ((tlb & Mask(p)) == 0 && LOAD(m.cleared[p]) == 0) tlb |= Mask(p);
        goes_on();
        if ((tlb & Mask(p)) != 0) REQUIRE(LOAD(m.page_freed[p]) == 0, "stale translation used");
        goes_on();
      }
    }
    Poll(m, 1, tlb);
    RMW(m.mm_users, old - 1);
  }
  Serve(m, 1, shape.pages);
}

void BorrowMm(SeedRace& m, const SeedRaceShape& shape, int cpu) {
  std::uint64_t tlb = 0;
  RMW(m.mm_cpumask, old | Mask(cpu));
  for (int k = 0; k < shape.lazy_polls; ++k) Poll(m, cpu, tlb);
  RMW(m.mm_cpumask, old & ~Mask(cpu));
  Serve(m, cpu, shape.pages);
}

}  // namespace

std::unique_ptr<ProgramOf<SeedRace>> MakeSeedRace(const SeedRaceShape& shape, MemoryModel model) {
  std::vector<std::function<void(SeedRace&)>> threads = {
      [shape](SeedRace& m) { Unmap(m, shape); }, [shape](SeedRace& m) { UseMm(m, shape); }};
  for (int c = 2; c < shape.cpus; ++c) {
    threads.push_back([shape, c](SeedRace& m) { BorrowMm(m, shape, c); });
  }
  return std::make_unique<ProgramOf<SeedRace>>(ProgramOf<SeedRace>::Parts{
      .name = "seed_race",
      .threads = std::move(threads),
      .machine = {.memory_model = model, .step_count_max = 1000}});
}

}  // namespace shootdown::program
