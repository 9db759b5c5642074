// What should have come first came second.
#include "tests/puzzles/puzzles.h"

namespace shootdown::puzzles {
namespace {

using namespace program;

// The other thread is let go before what it needs is there.
struct Start {
  Word started;
  Word object;
};
template <bool kFixed>
std::unique_ptr<Program> StartedTooEarly() {
  return ProgramFrom<Start>({.name = "started_too_early",
                             .threads = {[](Start& s) {
                                           if (kFixed) STORE(s.object, 7);
                                           STORE(s.started, 1);
                                           if (!kFixed) STORE(s.object, 7);
                                         },
                                         [](Start& s) {
                                           AWAIT(s.started, now != 0);
                                           REQUIRE(LOAD(s.object) == 7, "used before it was made");
                                         }}});
}

// The pointer is stored before the object is whole.
struct Singleton {
  Mutex lock;
  Word instance;
  Word field;
};
template <bool kFixed>
std::unique_ptr<Program> DoubleCheckedLocking() {
  const auto use = [](Singleton& s) {
    if (LOAD(s.instance) == 0) {
      LOCK(s.lock);
      if (LOAD(s.instance) == 0) {
        if (kFixed) STORE(s.field, 42);
        STORE(s.instance, 1);
        if (!kFixed) STORE(s.field, 42);
      }
      UNLOCK(s.lock);
    }
    REQUIRE(LOAD(s.field) == 42, "half an object");
  };
  return ProgramFrom<Singleton>({.name = "double_checked_locking", .threads = {use, use, use}});
}

// Who does not do it believes that it is done.
struct Once {
  Word begun;
  Word ready;
  Word value;
};
template <bool kFixed>
std::unique_ptr<Program> OnceNotWaitedFor() {
  const auto use = [](Once& o) {
    if (CAS(o.begun, std::uint64_t{0}, std::uint64_t{1})) {
      STORE(o.value, 1);
      STORE(o.ready, 1);
    } else if (kFixed) {
      AWAIT(o.ready, now != 0);
    }
    REQUIRE(LOAD(o.value) == 1, "not done yet");
  };
  return ProgramFrom<Once>({.name = "once_not_waited_for", .threads = {use, use}});
}

// The worker sees that there is nothing to do, and then that no more will come; in between something came.
struct Queue {
  Word items;
  Word closed;
  Word taken;
};
template <bool kFixed>
std::unique_ptr<Program> LastItemForgotten() {
  return ProgramFrom<Queue>(
      {.name = "last_item_forgotten",
       .threads = {[](Queue& q) {
                     for (int i = 0; i < 2; ++i) RMW(q.items, old + 1);
                     STORE(q.closed, 1);
                   },
                   [](Queue& q) {
                     for (int tries = 0; tries < 4; ++tries) {
                       const bool closed_before = LOAD(q.closed) != 0;
                       std::uint64_t items = LOAD(q.items);
                       for (std::uint64_t taken = LOAD(q.taken); taken < items; ++taken) {
                         STORE(q.taken, taken + 1);
                       }
                       const bool closed = kFixed ? closed_before : LOAD(q.closed) != 0;
                       if (closed) return;
                       // Sleeps until something changes.
                       if (tries == 2) AWAIT(q.closed, now != 0);
                     }
                   }},
       .at_end = [](Queue& q) { REQUIRE_AT_END(q.taken.Peek() == 2, "an item was left"); }});
}

// The object is freed while a reader that has found it still uses it.
struct Published {
  Word readers;
  Word pointer{1};
  Word freed;
};
template <bool kFixed>
std::unique_ptr<Program> FreedTooEarly() {
  const auto read = [](Published& p) {
    RMW(p.readers, old + 1);
    if (LOAD(p.pointer) != 0) REQUIRE(LOAD(p.freed) == 0, "used after it was freed");
    RMW(p.readers, old - 1);
  };
  return ProgramFrom<Published>({.name = "freed_too_early",
                                 .threads = {read, read, [](Published& p) {
                                               STORE(p.pointer, 0);
                                               FENCE();
                                               if (kFixed) AWAIT(p.readers, now == 0);
                                               STORE(p.freed, 1);
                                             }}});
}

}  // namespace

void AddOrderPuzzles(std::vector<Puzzle>& puzzles) {
  puzzles.insert(
      puzzles.end(),
      {{"started_too_early", "assertion", &StartedTooEarly<false>, &StartedTooEarly<true>},
       {"double_checked_locking", "assertion", &DoubleCheckedLocking<false>,
        &DoubleCheckedLocking<true>},
       {"once_not_waited_for", "assertion", &OnceNotWaitedFor<false>, &OnceNotWaitedFor<true>},
       {"last_item_forgotten", "assertion", &LastItemForgotten<false>, &LastItemForgotten<true>},
       {"freed_too_early", "assertion", &FreedTooEarly<false>, &FreedTooEarly<true>}});
}

}  // namespace shootdown::puzzles
