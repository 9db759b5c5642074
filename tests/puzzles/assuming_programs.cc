#include "tests/puzzles/assuming_programs.h"

namespace shootdown::program {
namespace {

// Else the thread ends here, and the run does not count.
#define ASSUME(s, ...)      \
  do {                      \
    if (!(__VA_ARGS__)) {   \
      (s).given_up = true;  \
      return;               \
    }                       \
  } while (false)

// A thread is 0 or 1; words in pairs have one for each.
constexpr int kFlag = 0;
constexpr int kTurn = 2;
constexpr int kCritical = 3;

void Peterson(Standard& s, int me) {
  const int other = 1 - me;
  const auto mine = static_cast<std::uint64_t>(1 - me);
  STORE(s.x[kFlag + me], 1);
  STORE(s.x[kTurn], mine);
  ASSUME(s, LOAD(s.x[kFlag + other]) != 1 || LOAD(s.x[kTurn]) != mine);
  STORE(s.x[kCritical], static_cast<std::uint64_t>(me));
  (void)LOAD(s.x[kCritical]);
  STORE(s.x[kFlag + me], 0);
}

void Dekker(Standard& s, int me) {
  STORE(s.x[kFlag + me], 1);
  FENCE();
  if (LOAD(s.x[kFlag + 1 - me]) != 0) return;
  STORE(s.x[kCritical], static_cast<std::uint64_t>(me));
  REQUIRE(LOAD(s.x[kCritical]) == static_cast<std::uint64_t>(me), "both are inside");
}

void Szymanski(Standard& s, int me) {
  Word& mine = s.x[kFlag + me];
  Word& other = s.x[kFlag + 1 - me];
  STORE(mine, 1);
  FENCE();
  ASSUME(s, LOAD(other) < 3);
  STORE(mine, 3);
  FENCE();
  if (LOAD(other) == 1) {
    STORE(mine, 2);
    FENCE();
    ASSUME(s, LOAD(other) == 4);
  }
  STORE(mine, 4);
  FENCE();
  ASSUME(s, LOAD(other) < 2);
  STORE(s.x[kCritical], static_cast<std::uint64_t>(me));
  (void)LOAD(s.x[kCritical]);
  REQUIRE(LOAD(s.x[kCritical]) == static_cast<std::uint64_t>(me), "both are inside");
  FENCE();
  ASSUME(s, LOAD(other) < 2 || LOAD(other) > 3);
  STORE(mine, 0);
}

StandardProgram OfTwo(const char* name, void (*thread)(Standard&, int)) {
  StandardProgram program{.name = name, .threads = {}};
  for (int me : {0, 1}) program.threads.emplace_back([thread, me](Standard& s) { thread(s, me); });
  return program;
}

// Words of Lamport's: x and y, and b of each thread from 2 on. Threads are numbered from 1.
void Lamport(Standard& s, int n, std::uint64_t me) {
  Word& x = s.x[0];
  Word& y = s.x[1];
  Word* const b = &s.x[1];
  while (true) {
    STORE(b[me], 1);
    STORE(x, me);
    if (LOAD(y) != 0) {
      STORE(b[me], 0);
      ASSUME(s, LOAD(y) == 0);
      continue;
    }
    STORE(y, me);
    if (LOAD(x) == me) break;
    STORE(b[me], 0);
    for (int j = 1; j <= n; ++j) ASSUME(s, LOAD(b[j]) == 0);
    if (LOAD(y) == me) break;
    ASSUME(s, LOAD(y) == 0);
  }
  STORE(y, 0);
  STORE(b[me], 0);
}

// Words of the parker's: the two threads' flags are a lock between them.
constexpr int kInside = 0;  // of the parker; of the unparker the one behind it
constexpr int kPermit = 2;
constexpr int kAsleep = 3;
constexpr int kDone = 4;
constexpr int kOver = 5;

void UnparkTwice(Standard& s) {
  for (int call = 0; call < 2; ++call) {
    STORE(s.x[kInside + 1], 1);
    FENCE();
    ASSUME(s, LOAD(s.x[kInside]) == 0);
    const bool had_permit = LOAD(s.x[kPermit]) != 0;
    STORE(s.x[kPermit], 1);
    FENCE();
    STORE(s.x[kInside + 1], 0);
    if (!had_permit) STORE(s.x[kAsleep], 0);
    if (call == 0) STORE(s.x[kDone], 1);
    FENCE();
  }
  STORE(s.x[kOver], 1);
}

void ParkUntilDone(Standard& s, int times_max) {
  for (int times = 0; LOAD(s.x[kDone]) == 0; ++times) {
    ASSUME(s, times < times_max);
    if (LOAD(s.x[kPermit]) != 0) {
      STORE(s.x[kPermit], 0);
      continue;
    }
    STORE(s.x[kInside], 1);
    FENCE();
    if (LOAD(s.x[kInside + 1]) != 0) {
      STORE(s.x[kInside], 0);
      continue;
    }
    if (LOAD(s.x[kPermit]) == 0) {
      STORE(s.x[kAsleep], 1);
      FENCE();
      STORE(s.x[kInside], 0);
      REQUIRE(LOAD(s.x[kOver]) == 0 || LOAD(s.x[kAsleep]) == 0, "nobody is left to wake it");
      ASSUME(s, LOAD(s.x[kAsleep]) == 0);
      STORE(s.x[kInside], 1);
      FENCE();
      ASSUME(s, LOAD(s.x[kInside + 1]) == 0);
    }
    STORE(s.x[kPermit], 0);
    FENCE();
    STORE(s.x[kInside], 0);
  }
}

}  // namespace

StandardProgram PetersonLock() { return OfTwo("PetersonLock", &Peterson); }
StandardProgram DekkerFenced() { return OfTwo("DekkerFenced", &Dekker); }
StandardProgram SzymanskiLock() { return OfTwo("SzymanskiLock", &Szymanski); }

StandardProgram LamportLock(int n) {
  StandardProgram program{.name = "LamportLock" + std::to_string(n), .threads = {}};
  for (int me = 1; me <= n; ++me) {
    program.threads.emplace_back(
        [n, me](Standard& s) { Lamport(s, n, static_cast<std::uint64_t>(me)); });
  }
  return program;
}

StandardProgram Parker(int n) {
  return {.name = "Parker" + std::to_string(n),
          .threads = {[n](Standard& s) { ParkUntilDone(s, n); }, &UnparkTwice}};
}

}  // namespace shootdown::program
