// Dekker's way into a critical section, which store buffers break: each thread says that it wants in, then
// looks whether the other does. Exit status 0: a schedule was found in which both are in.
#include <cstdio>

#include "fuzz/program/program.h"
#include "fuzz/schedule/schedule_scheduler.h"

using namespace shootdown;
using namespace shootdown::program;

struct Dekker {
  Word wants[2];           // shared
  Word inside;
  std::uint64_t tries = 0;  // a plain word is for one thread alone
};

template <int kSelf>
void Enter(Dekker& d) {
  STORE(d.wants[kSelf], 1);
  // FENCE();  // membar #StoreLoad is what is missing here
  if (LOAD(d.wants[1 - kSelf]) != 0) return;
  REQUIRE(RMW(d.inside, old + 1) == 0, "two threads in the critical section");
  RMW(d.inside, old - 1);
}

int main() {
  ProgramOf<Dekker> dekker({.name = "dekker",
                            .threads = {&Enter<0>, &Enter<1>},
                            .machine = {.memory_model = MemoryModel::kTso}});
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    RandomWalk walk(seed, /*hold_one_in=*/2);
    if (const sim::Violation* const found = dekker.RunOnce(walk); found != nullptr) {
      std::printf("%s: %s\n  %s\n", found->check.c_str(), found->message.c_str(),
                  ExactSchedule(dekker.machine().moves_made()).ToText().c_str());
      return 0;
    }
  }
  return 1;
}
