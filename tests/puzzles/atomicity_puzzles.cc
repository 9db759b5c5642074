// What should have been one step, in two.
#include "tests/puzzles/puzzles.h"

namespace shootdown::puzzles {
namespace {

using namespace program;

// Two threads count up, two times each.
struct Counter {
  Word value;
};
template <bool kFixed>
std::unique_ptr<Program> LostUpdate() {
  const auto count = [](Counter& c) {
    for (int i = 0; i < 2; ++i) {
      if (kFixed) {
        RMW(c.value, old + 1);
      } else {
        const std::uint64_t seen = LOAD(c.value);
        STORE(c.value, seen + 1);
      }
    }
  };
  return ProgramFrom<Counter>({.name = "lost_update",
                               .threads = {count, count},
                               .at_end = [](Counter& c) {
                                 REQUIRE_AT_END(c.value.Peek() == 4, "an update is lost");
                               }});
}

// Looks whether there is enough, and takes it later.
struct Account {
  Mutex lock;
  Word balance{100};
  Word paid;
};
template <bool kFixed>
std::unique_ptr<Program> CheckThenAct() {
  const auto withdraw = [](Account& a) {
    LOCK(a.lock);
    const bool enough = LOAD(a.balance) >= 60;
    if (!kFixed) UNLOCK(a.lock);
    if (enough) {
      if (!kFixed) LOCK(a.lock);
      const std::uint64_t balance = LOAD(a.balance);
      STORE(a.balance, balance - 60);
      RMW(a.paid, old + 60);
      if (!kFixed) UNLOCK(a.lock);
    }
    if (kFixed) UNLOCK(a.lock);
  };
  return ProgramFrom<Account>({.name = "check_then_act",
                               .threads = {withdraw, withdraw},
                               .at_end = [](Account& a) {
                                 REQUIRE_AT_END(a.paid.Peek() <= 100, "paid more than there was");
                               }});
}

// Money moves between two accounts while somebody adds them up.
struct Bank {
  Mutex lock;
  Word left{50};
  Word right{50};
};
template <bool kFixed>
std::unique_ptr<Program> TornSum() {
  return ProgramFrom<Bank>(
      {.name = "torn_sum",
       .threads = {[](Bank& b) {
                     for (int i = 0; i < 2; ++i) {
                       LOCK(b.lock);
                       const std::uint64_t left = LOAD(b.left);
                       STORE(b.left, left - 10);
                       const std::uint64_t right = LOAD(b.right);
                       STORE(b.right, right + 10);
                       UNLOCK(b.lock);
                     }
                   },
                   [](Bank& b) {
                     if (kFixed) LOCK(b.lock);
                     const std::uint64_t left = LOAD(b.left);
                     const std::uint64_t right = LOAD(b.right);
                     if (kFixed) UNLOCK(b.lock);
                     REQUIRE(left + right == 100, "money came or went");
                   }}});
}

// The length of another buffer is read under its lock, and used after the lock is gone: as in Java 1.4's
// StringBuffer.append.
struct Buffers {
  Mutex lock;
  Word length{8};
  Word erased;
};
template <bool kFixed>
std::unique_ptr<Program> StaleLength() {
  return ProgramFrom<Buffers>(
      {.name = "stale_length",
       .threads = {[](Buffers& b) {
                     LOCK(b.lock);
                     const std::uint64_t length = LOAD(b.length);
                     if (!kFixed) {
                       UNLOCK(b.lock);
                       LOCK(b.lock);
                     }
                     REQUIRE(length <= LOAD(b.length), "copies more than is there");
                     UNLOCK(b.lock);
                   },
                   [](Buffers& b) {
                     LOCK(b.lock);
                     STORE(b.erased, 1);
                     STORE(b.length, 0);
                     UNLOCK(b.lock);
                   }}});
}

// A reader that does not look at the sequence number a second time.
struct SeqLock {
  Word sequence;
  Word x;
  Word y;
};
template <bool kFixed>
std::unique_ptr<Program> SequenceNotRechecked() {
  return ProgramFrom<SeqLock>(
      {.name = "sequence_not_rechecked",
       .threads = {[](SeqLock& s) {
                     for (std::uint64_t n = 1; n <= 2; ++n) {
                       STORE(s.sequence, 2 * n - 1);
                       STORE(s.x, n);
                       STORE(s.y, n);
                       STORE(s.sequence, 2 * n);
                     }
                   },
                   [](SeqLock& s) {
                     const std::uint64_t before = LOAD(s.sequence);
                     if (before % 2 != 0) return;
                     const std::uint64_t x = LOAD(s.x);
                     const std::uint64_t y = LOAD(s.y);
                     if (kFixed && LOAD(s.sequence) != before) return;
                     REQUIRE(x == y, "half of an update");
                   }}});
}

// A driver is stopped while a request comes in: the request looks first whether the driver stops, and then
// makes itself known. Source: Qadeer, Wu: KISS: Keep It Simple and Sequential, PLDI 2004 (Bluetooth driver).
struct Driver {
  Word pending{1};
  Word stopping;
  Word no_request_left;
  Word stopped;
};
inline void Leave(Driver& d) {
  if (RMW(d.pending, old - 1) == 1) STORE(d.no_request_left, 1);
}
template <bool kFixed>
std::unique_ptr<Program> StopWhileEntering() {
  return ProgramFrom<Driver>({.name = "stop_while_entering",
                              .threads = {[](Driver& d) {
                                            if (kFixed) RMW(d.pending, old + 1);
                                            const bool stopping = LOAD(d.stopping) != 0;
                                            if (!stopping) {
                                              if (!kFixed) RMW(d.pending, old + 1);
                                              REQUIRE(LOAD(d.stopped) == 0, "works on what is gone");
                                            }
                                            if (kFixed || !stopping) Leave(d);
                                          },
                                          [](Driver& d) {
                                            STORE(d.stopping, 1);
                                            FENCE();
                                            Leave(d);
                                            AWAIT(d.no_request_left, now != 0);
                                            STORE(d.stopped, 1);
                                          }}});
}

}  // namespace

void AddAtomicityPuzzles(std::vector<Puzzle>& puzzles) {
  puzzles.insert(
      puzzles.end(),
      {{"lost_update", "assertion", &LostUpdate<false>, &LostUpdate<true>},
       {"check_then_act", "assertion", &CheckThenAct<false>, &CheckThenAct<true>},
       {"torn_sum", "assertion", &TornSum<false>, &TornSum<true>},
       {"stale_length", "assertion", &StaleLength<false>, &StaleLength<true>},
       {"sequence_not_rechecked", "assertion", &SequenceNotRechecked<false>,
        &SequenceNotRechecked<true>},
       {"stop_while_entering", "assertion", &StopWhileEntering<false>, &StopWhileEntering<true>}});
}

}  // namespace shootdown::puzzles
