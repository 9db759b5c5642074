#include "tests/puzzles/tlb_race.h"

#include "fuzz/sim/forget.h"

namespace shootdown::puzzles {
namespace {

using namespace program;

constexpr std::uint64_t kNone = 0;
constexpr std::uint64_t kFlush = 1;
constexpr std::uint64_t kNoMore = 2;  // interrupts will come

struct Race {
  Word mm_users{1};
  Word mm_cpumask{1};
  Word context{1};
  Word cleared[3];  // page table entries: 0 is valid
  Word freed[3];
  Word interrupt[8];
  Word noise[8];
};

void Unmap(Race& r, const TlbRaceShape& shape) {
  sim::Forgetting page(SHOOTDOWN_SITE("page"));
  for (int p = 0; p < shape.pages; ++p) {
    page.Again(static_cast<std::uint64_t>(p));
    (void)LOAD(r.cleared[p]);
    STORE(r.cleared[p], 1);
    FENCE();
    if (!shape.fixed && LOAD(r.mm_users) == 1) {
      STORE(r.mm_cpumask, 1);  // cpumask_copy(): a plain store
    } else {
      const std::uint64_t mask = LOAD(r.mm_cpumask);
      for (int c = 1; c < shape.cpus; ++c) {
        if ((mask >> c & 1) != 0) STORE(r.interrupt[c], kFlush);
      }
      for (int c = 1; c < shape.cpus; ++c) {
        if ((mask >> c & 1) != 0) AWAIT(r.interrupt[c], now == kNone);
      }
    }
    STORE(r.freed[p], 1);
  }
  page.Again(static_cast<std::uint64_t>(shape.pages));
  for (int c = 1; c < shape.cpus; ++c) STORE(r.interrupt[c], kNoMore);
}

void Poll(Race& r, int cpu, std::uint64_t* tlb) {
  if (LOAD(r.interrupt[cpu]) != kFlush) return;
  *tlb = 0;
  STORE(r.interrupt[cpu], kNone);
}

// The thread is done; its CPU takes interrupts still.
void Serve(Race& r, int cpu) {
  sim::Forgetting one(SHOOTDOWN_SITE("serve"));
  while (AWAIT(r.interrupt[cpu], now != kNone) != kNoMore) {
    STORE(r.interrupt[cpu], kNone);
    one.Again();
  }
}

bool MmgetNotZero(Race& r, Mmget mmget) {
  if (mmget == Mmget::kOneStep) return RMW(r.mm_users, old != 0 ? old + 1 : 0) != 0;
  std::uint64_t users = LOAD(r.mm_users);
  while (users != 0) {
    if (CAS(r.mm_users, users, users + 1)) return true;
    users = LOAD(r.mm_users);
  }
  return false;
}

void Access(Race& r, const TlbRaceShape& shape) {
  std::uint64_t tlb = 0;
  std::uint64_t done = 0;
  // All that the thread has in variables is how far it is, and its TLB.
  sim::Forgetting access(SHOOTDOWN_SITE("access"));
  const auto goes_on = [&] { access.Again(++done << 32 | tlb); };
  if (MmgetNotZero(r, shape.mmget)) {
    goes_on();
    if ((LOAD(r.mm_cpumask) & 2) == 0) RMW(r.mm_cpumask, old | 2);
    goes_on();
    FENCE();
    (void)LOAD(r.context);
    for (int k = 0; k < shape.accesses; ++k) {
      for (int p = 0; p < shape.pages; ++p) {
        Poll(r, 1, &tlb);
        goes_on();
        const std::uint64_t bit = std::uint64_t{1} << p;
        if ((tlb & bit) == 0 && LOAD(r.cleared[p]) == 0) tlb |= bit;
        goes_on();
        if ((tlb & bit) != 0) REQUIRE(LOAD(r.freed[p]) == 0, "a stale translation is used");
        goes_on();
      }
    }
    Poll(r, 1, &tlb);
    goes_on();
    RMW(r.mm_users, old - 1);
  }
}

void UseMm(Race& r, const TlbRaceShape& shape) {
  Access(r, shape);
  Serve(r, 1);
}

void BorrowLazily(Race& r, const TlbRaceShape& shape, int cpu) {
  std::uint64_t tlb = 0;
  sim::Forgetting poll(SHOOTDOWN_SITE("lazy"));
  RMW(r.mm_cpumask, old | std::uint64_t{1} << cpu);
  for (int k = 0; k < shape.lazy_polls; ++k) {
    poll.Again(static_cast<std::uint64_t>(k) << 32 | tlb);
    Poll(r, cpu, &tlb);
  }
  poll.Again(static_cast<std::uint64_t>(shape.lazy_polls));
  RMW(r.mm_cpumask, old & ~(std::uint64_t{1} << cpu));
  poll.Again(static_cast<std::uint64_t>(shape.lazy_polls) + 1);
  Serve(r, cpu);
}

}  // namespace

std::unique_ptr<Program> TlbRace(const TlbRaceShape& shape) {
  ProgramOf<Race>::Parts parts = {
      .name = "tlb_race", .threads = {}, .machine = {.memory_model = shape.memory_model}};
  parts.threads.emplace_back([shape](Race& r) { Unmap(r, shape); });
  parts.threads.emplace_back([shape](Race& r) { UseMm(r, shape); });
  for (int c = 2; c < shape.cpus; ++c) {
    parts.threads.emplace_back([shape, c](Race& r) { BorrowLazily(r, shape, c); });
  }
  for (int n = 0; n < shape.noise_cpus; ++n) {
    parts.threads.emplace_back([n](Race& r) {
      for (int i = 0; i < 20; ++i) RMW(r.noise[n / 2], old + 1);
    });
  }
  return std::make_unique<ProgramOf<Race>>(std::move(parts));
}

}  // namespace shootdown::puzzles
