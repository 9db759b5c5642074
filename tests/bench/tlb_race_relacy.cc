// The seed's race for Relacy: the program of tests/puzzles/tlb_race.h, access by access, sequentially consistent.
// tests/bench/peers compiles it. CPUS, PAGES, ACC, FIXED and POLLS are those of tlb_race.pml. What differs: an await
// is a loop that yields, since Relacy has no other.
//
//   tlb_race_relacy RUNS [FIRST]
//
// makes RUNS runs under its random scheduler, which numbers its runs, from number FIRST on, and stops at a violation. Prints
// the verdict, how many runs it made, and seconds of CPU time, separated by tabs.
#include <relacy/relacy.hpp>

#include <ctime>
#include <iostream>
#include <string>

#ifndef CPUS
#define CPUS 2
#endif
#ifndef PAGES
#define PAGES 2
#endif
#ifndef ACC
#define ACC 2
#endif
#ifndef FIXED
#define FIXED 0
#endif
#ifndef POLLS
#define POLLS 2
#endif

namespace {

constexpr unsigned kNone = 0;
constexpr unsigned kFlush = 1;
constexpr unsigned kNoMore = 2;  // interrupts will come

using Word = rl::atomic<unsigned>;

struct TlbRace : rl::test_suite<TlbRace, CPUS> {
  Word mm_users, mm_cpumask, context;
  Word cleared[PAGES], freed[PAGES], interrupt[CPUS];

  void before() {
    mm_users($) = 1;
    mm_cpumask($) = 1;
    context($) = 1;
    for (Word& word : cleared) word($) = 0;
    for (Word& word : freed) word($) = 0;
    for (Word& word : interrupt) word($) = kNone;
  }

  void thread(unsigned cpu) {
    if (cpu == 0) {
      Unmap();
    } else if (cpu == 1) {
      Access();
      Serve(1);
    } else {
      BorrowLazily(cpu);
    }
  }

  void Unmap() {
    for (int p = 0; p < PAGES; ++p) {
      (void)cleared[p]($).load();
      cleared[p]($).store(1);
      rl::atomic_thread_fence(rl::mo_seq_cst, $);
      if (!FIXED && mm_users($).load() == 1) {
        mm_cpumask($).store(1);
      } else {
        const unsigned mask = mm_cpumask($).load();
        for (int c = 1; c < CPUS; ++c) {
          if ((mask >> c & 1) != 0) interrupt[c]($).store(kFlush);
        }
        for (int c = 1; c < CPUS; ++c) {
          if ((mask >> c & 1) == 0) continue;
          while (interrupt[c]($).load() != kNone) rl::yield(1, $);
        }
      }
      freed[p]($).store(1);
    }
    for (int c = 1; c < CPUS; ++c) interrupt[c]($).store(kNoMore);
  }

  void Poll(unsigned cpu, unsigned* tlb) {
    if (interrupt[cpu]($).load() != kFlush) return;
    *tlb = 0;
    interrupt[cpu]($).store(kNone);
  }

  void Serve(unsigned cpu) {
    for (;;) {
      unsigned now = interrupt[cpu]($).load();
      while (now == kNone) {
        rl::yield(1, $);
        now = interrupt[cpu]($).load();
      }
      if (now == kNoMore) return;
      interrupt[cpu]($).store(kNone);
    }
  }

  bool MmgetNotZero() {
    unsigned users = mm_users($).load();
    while (users != 0) {
      if (mm_users($).compare_exchange_strong(users, users + 1)) return true;
    }
    return false;
  }

  void Access() {
    unsigned tlb = 0;
    if (!MmgetNotZero()) return;
    if ((mm_cpumask($).load() & 2) == 0) mm_cpumask($).fetch_or(2);
    rl::atomic_thread_fence(rl::mo_seq_cst, $);
    (void)context($).load();
    for (int k = 0; k < ACC; ++k) {
      for (int p = 0; p < PAGES; ++p) {
        Poll(1, &tlb);
        const unsigned bit = 1U << p;
        if ((tlb & bit) == 0 && cleared[p]($).load() == 0) tlb |= bit;
        if ((tlb & bit) != 0) RL_ASSERT(freed[p]($).load() == 0);
      }
    }
    Poll(1, &tlb);
    mm_users($).fetch_sub(1);
  }

  void BorrowLazily(unsigned cpu) {
    unsigned tlb = 0;
    mm_cpumask($).fetch_or(1U << cpu);
    for (int k = 0; k < POLLS; ++k) Poll(cpu, &tlb);
    mm_cpumask($).fetch_and(~(1U << cpu));
    Serve(cpu);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: " << argv[0] << " RUNS [FIRST]\n";
    return 2;
  }
  const std::string first = argc > 2 ? argv[2] : "0";
  const rl::iteration_t first_run = std::stoull(first);
  std::ostream silent(nullptr);
  rl::test_params params;
  params.initial_state = first;
  params.iteration_count = first_run + std::stoull(argv[1]);
  params.output_stream = &silent;
  params.progress_stream = &silent;
  const std::clock_t start = std::clock();
  rl::simulate<TlbRace>(params);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const bool refuted = params.test_result == rl::test_result_user_assert_failed;
  if (!refuted && params.test_result != rl::test_result_success) {
    std::cerr << argv[0] << ": run " << params.stop_iteration << ": " << rl::test_result_str(params.test_result) << '\n';
    return 1;
  }
  // The number of the last run: the first one that was not made, or the one that failed.
  const rl::iteration_t runs = params.stop_iteration - first_run + (refuted ? 1 : 0);
  std::cout << (refuted ? "refuted" : "open") << '\t' << runs << '\t' << seconds << '\n';
}
