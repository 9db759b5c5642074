// Locks, conditions and barriers.
#include "tests/puzzles/puzzles.h"

namespace shootdown::puzzles {
namespace {

using namespace program;

// Thread i takes lock i and then lock i + 1, around.
struct Locks {
  Mutex lock[4];
};
template <int kSelf, int kCount, bool kFixed>
void TakeTwo(Locks& l) {
  constexpr int kOther = (kSelf + 1) % kCount;
  constexpr int kFirst = kFixed && kOther < kSelf ? kOther : kSelf;
  constexpr int kSecond = kFirst == kSelf ? kOther : kSelf;
  LOCK(l.lock[kFirst]);
  LOCK(l.lock[kSecond]);
  UNLOCK(l.lock[kSecond]);
  UNLOCK(l.lock[kFirst]);
}
template <int kCount, bool kFixed>
std::unique_ptr<Program> LockOrder() {
  ProgramOf<Locks>::Parts parts = {.name = "lock_order",
                                   .threads = {&TakeTwo<0, kCount, kFixed>, &TakeTwo<1, kCount, kFixed>}};
  if constexpr (kCount > 2) parts.threads.push_back(&TakeTwo<2, kCount, kFixed>);
  if constexpr (kCount > 3) parts.threads.push_back(&TakeTwo<3, kCount, kFixed>);
  return ProgramFrom<Locks>(std::move(parts));
}

// Readers of a reader/writer lock become writers, when they are the last reader left.
struct RwLock {
  Word readers;
  Word upgrading;
  Word data;
};
template <bool kFixed>
std::unique_ptr<Program> ReaderWriterUpgrade() {
  const auto update = [](RwLock& l) {
    RMW(l.readers, old + 1);
    const std::uint64_t seen = LOAD(l.data);
    // Only one may wait for the others: who comes second has to give its share back.
    if (kFixed && !CAS(l.upgrading, std::uint64_t{0}, std::uint64_t{1})) {
      RMW(l.readers, old - 1);
      return;
    }
    AWAIT(l.readers, now == 1);
    STORE(l.data, seen + 1);
    RMW(l.readers, old - 1);
    if (kFixed) STORE(l.upgrading, 0);
  };
  return ProgramFrom<RwLock>({.name = "reader_writer_upgrade", .threads = {update, update}});
}

// Looks at the flag without the lock, and then goes to sleep.
struct Event {
  Mutex lock;
  Condition changed;
  Word ready;
};
template <bool kFixed>
std::unique_ptr<Program> LostWakeUp() {
  return ProgramFrom<Event>({.name = "lost_wake_up",
                             .threads = {[](Event& e) {
                                           if (kFixed) {
                                             LOCK(e.lock);
                                             while (LOAD(e.ready) == 0) WAIT(e.changed, e.lock);
                                             UNLOCK(e.lock);
                                           } else if (LOAD(e.ready) == 0) {
                                             LOCK(e.lock);
                                             WAIT(e.changed, e.lock);
                                             UNLOCK(e.lock);
                                           }
                                         },
                                         [](Event& e) {
                                           LOCK(e.lock);
                                           STORE(e.ready, 1);
                                           SIGNAL(e.changed);
                                           UNLOCK(e.lock);
                                         }}});
}

// One place, two that put and two that take.
struct Slot {
  Mutex lock;
  Condition changed;
  Word full;
};
// kSignal: everybody waits for the same condition, and one of them is woken: perhaps one who can do
// nothing with it.
enum class Wake { kSignal, kBroadcast };
template <Wake kWake, bool kLooksAgain>
void Move(Slot& s, std::uint64_t from) {
  LOCK(s.lock);
  if (kLooksAgain) {
    while (LOAD(s.full) != from) WAIT(s.changed, s.lock);
  } else if (LOAD(s.full) != from) {
    WAIT(s.changed, s.lock);
  }
  REQUIRE(LOAD(s.full) == from, "puts into a full place, or takes from an empty one");
  STORE(s.full, 1 - from);
  if (kWake == Wake::kSignal) {
    SIGNAL(s.changed);
  } else {
    BROADCAST(s.changed);
  }
  UNLOCK(s.lock);
}
template <Wake kWake, bool kLooksAgain>
std::unique_ptr<Program> BoundedBuffer() {
  const auto put = [](Slot& s) { Move<kWake, kLooksAgain>(s, 0); };
  const auto take = [](Slot& s) { Move<kWake, kLooksAgain>(s, 1); };
  return ProgramFrom<Slot>({.name = "bounded_buffer", .threads = {take, put, take, put}});
}

// Two phases with one barrier. It is opened before it is reset, so the reset can wipe out who comes to the
// second phase at once.
struct Barrier {
  static constexpr int kThreads = 3;
  Word arrived;
  Word phases_open;
};
template <bool kFixed>
std::unique_ptr<Program> BarrierReset() {
  const auto run = [](Barrier& b) {
    for (std::uint64_t phase = 1; phase <= 2; ++phase) {
      if (RMW(b.arrived, old + 1) == Barrier::kThreads - 1) {
        if (kFixed) STORE(b.arrived, 0);
        STORE(b.phases_open, phase);
        if (!kFixed) STORE(b.arrived, 0);
      } else {
        AWAIT(b.phases_open, now >= phase);
      }
    }
  };
  return ProgramFrom<Barrier>({.name = "barrier_reset", .threads = {run, run, run}});
}

// Tickets are taken modulo kWidth. With as many threads as that, two have the same one.
struct TicketLock {
  Word next;
  Word serving;
  Word inside;
};
template <std::uint64_t kWidth>
std::unique_ptr<Program> TicketOverflow() {
  const auto enter = [](TicketLock& l) {
    const std::uint64_t ticket = RMW(l.next, (old + 1) % kWidth);
    AWAIT(l.serving, now == ticket);
    REQUIRE(RMW(l.inside, old + 1) == 0, "two in the critical section");
    RMW(l.inside, old - 1);
    STORE(l.serving, (ticket + 1) % kWidth);
  };
  return ProgramFrom<TicketLock>(
      {.name = "ticket_overflow", .threads = {enter, enter, enter, enter, enter}});
}

}  // namespace

void AddLockPuzzles(std::vector<Puzzle>& puzzles) {
  puzzles.insert(
      puzzles.end(),
      {{"lock_order_2", "deadlock", &LockOrder<2, false>, &LockOrder<2, true>},
       {"lock_order_3", "deadlock", &LockOrder<3, false>, &LockOrder<3, true>},
       {"lock_order_4", "deadlock", &LockOrder<4, false>, &LockOrder<4, true>},
       {"reader_writer_upgrade", "deadlock", &ReaderWriterUpgrade<false>, &ReaderWriterUpgrade<true>},
       {"lost_wake_up", "deadlock", &LostWakeUp<false>, &LostWakeUp<true>},
       {"signal_to_the_wrong_one", "deadlock", &BoundedBuffer<Wake::kSignal, true>,
        &BoundedBuffer<Wake::kBroadcast, true>},
       {"woken_and_not_looked_again", "assertion", &BoundedBuffer<Wake::kBroadcast, false>,
        &BoundedBuffer<Wake::kBroadcast, true>},
       {"barrier_reset", "deadlock", &BarrierReset<false>, &BarrierReset<true>},
       {"ticket_overflow", "assertion", &TicketOverflow<4>, &TicketOverflow<8>}});
}

}  // namespace shootdown::puzzles
