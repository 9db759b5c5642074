#include "tests/fuzz/explore/seed_race.h"

#include "fuzz/sim/forget.h"

namespace shootdown::program {
namespace {

constexpr std::uint64_t Mask(int cpu) { return std::uint64_t{1} << cpu; }

// Accesses, each at one place of its thread's code.
enum Where : std::uint64_t {
  kTouch,
  kClear,
  kFenceAfterClear,
  kTestUsers,
  kTrim,
  kLoadMask,
  kSend,
  kWait,
  kFree,
  kNoMore,
  kGetUser,
  kTestMask,
  kSetBit,
  kFenceAfterBit,
  kLoadContext,
  kPoll,
  kAcknowledge,
  kWalk,
  kUse,
  kPutUser,
  kBorrow,
  kGiveBack,
  kServe,
  kServed,
};

class Thread {
 public:
  Thread(SeedRace& m, int cpu)
      : scope_(SHOOTDOWN_SITE("thread")), variables_(m.variables[cpu]), cpu_(cpu) {}

  // Before each access. All that the thread knows stands in its variables.
  void At(Where where, int target = 0) {
    variables_.where = where + (static_cast<std::uint64_t>(target) << 32);
    scope_.Again();
  }
  [[nodiscard]] SeedRaceVariables& variables() { return variables_; }
  [[nodiscard]] int cpu() const { return cpu_; }

 private:
  sim::Forgetting scope_;
  SeedRaceVariables& variables_;
  int cpu_;
};

void Flush(SeedRace& m, const SeedRaceShape& shape, Thread& app) {
  SeedRaceVariables& v = app.variables();
  if (!shape.fixed) {
    app.At(kTestUsers);
    v.users = LOAD(m.mm_users);
    if (v.users == 1) {
      app.At(kTrim);
      STORE(m.mm_cpumask, 1);
      return;
    }
  }
  app.At(kLoadMask);
  v.mask = LOAD(m.mm_cpumask);
  for (int c = 1; c < shape.cpus; ++c) {
    if ((v.mask & Mask(c)) == 0) continue;
    app.At(kSend, c);
    STORE(m.ipi[c], 1);
  }
  for (int c = 1; c < shape.cpus; ++c) {
    if ((v.mask & Mask(c)) == 0) continue;
    app.At(kWait, c);
    AWAIT(m.ipi[c], now == 0);
  }
}

void Unmap(SeedRace& m, const SeedRaceShape& shape) {
  Thread app(m, 0);
  for (std::uint64_t& p = app.variables().page; p < static_cast<std::uint64_t>(shape.pages); ++p) {
    app.At(kTouch);
    (void)LOAD(m.cleared[p]);
    app.At(kClear);
    STORE(m.cleared[p], 1);
    app.At(kFenceAfterClear);
    FENCE();
    Flush(m, shape, app);
    app.At(kFree);
    STORE(m.page_freed[p], 1);
  }
  for (int c = 1; c < shape.cpus; ++c) {
    app.At(kNoMore, c);
    STORE(m.ipi[c], 2);
  }
}

void Poll(SeedRace& m, Thread& thread) {
  SeedRaceVariables& v = thread.variables();
  thread.At(kPoll);
  v.polled = LOAD(m.ipi[thread.cpu()]);
  if (v.polled != 1) return;
  v.tlb = 0;
  thread.At(kAcknowledge);
  STORE(m.ipi[thread.cpu()], 0);
}

// The thread has come to its end; its CPU takes cross calls still.
void Serve(SeedRace& m, Thread& thread) {
  SeedRaceVariables& v = thread.variables();
  for (;;) {
    thread.At(kServe);
    v.served = AWAIT(m.ipi[thread.cpu()], now != 0);
    if (v.served == 2) return;
    thread.At(kServed);
    STORE(m.ipi[thread.cpu()], 0);
  }
}

void UseMm(SeedRace& m, const SeedRaceShape& shape) {
  Thread sq(m, 1);
  SeedRaceVariables& v = sq.variables();
  sq.At(kGetUser);
  if (RMW(m.mm_users, old != 0 ? old + 1 : 0) != 0) {  // mmget_not_zero
    sq.At(kTestMask);
    if ((LOAD(m.mm_cpumask) & 2) == 0) {
      sq.At(kSetBit);
      RMW(m.mm_cpumask, old | 2);
    }
    sq.At(kFenceAfterBit);
    FENCE();
    sq.At(kLoadContext);
    (void)LOAD(m.mm_context);
    for (; v.round < static_cast<std::uint64_t>(shape.accesses); ++v.round) {
      for (v.page = 0; v.page < static_cast<std::uint64_t>(shape.pages); ++v.page) {
        Poll(m, sq);
        const std::uint64_t bit = std::uint64_t{1} << v.page;
        if ((v.tlb & bit) == 0) {
          sq.At(kWalk);
          v.entry = LOAD(m.cleared[v.page]);
          if (v.entry == 0) v.tlb |= bit;
        }
        if ((v.tlb & bit) != 0) {
          sq.At(kUse);
          REQUIRE(LOAD(m.page_freed[v.page]) == 0, "stale translation used");
        }
      }
    }
    v.page = 0;
    Poll(m, sq);
    sq.At(kPutUser);
    RMW(m.mm_users, old - 1);
  }
  Serve(m, sq);
}

void BorrowMm(SeedRace& m, const SeedRaceShape& shape, int cpu) {
  Thread lazy(m, cpu);
  SeedRaceVariables& v = lazy.variables();
  lazy.At(kBorrow);
  RMW(m.mm_cpumask, old | Mask(cpu));
  for (; v.round < static_cast<std::uint64_t>(shape.lazy_polls); ++v.round) Poll(m, lazy);
  lazy.At(kGiveBack);
  RMW(m.mm_cpumask, old & ~Mask(cpu));
  Serve(m, lazy);
}

}  // namespace

std::unique_ptr<ProgramOf<SeedRace>> MakeSeedRace(const SeedRaceShape& shape, MemoryModel model) {
  std::vector<std::function<void(SeedRace&)>> threads = {
      [shape](SeedRace& m) { Unmap(m, shape); }, [shape](SeedRace& m) { UseMm(m, shape); }};
  for (int c = 2; c < shape.cpus; ++c) {
    threads.emplace_back([shape, c](SeedRace& m) { BorrowMm(m, shape, c); });
  }
  return std::make_unique<ProgramOf<SeedRace>>(ProgramOf<SeedRace>::Parts{
      .name = "seed_race",
      .threads = std::move(threads),
      .machine = {.memory_model = model, .step_count_max = 1000}});
}

}  // namespace shootdown::program
