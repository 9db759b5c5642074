// Programs of a user's: what their threads may do, and what is wrong with a run.
#include "fuzz/program/program.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "fuzz/explore/enumerate.h"
#include "tests/fuzz/program/program_testing.h"

namespace shootdown::program {
namespace {

// What is wrong in some run of the program, over all schedules: "assertion: two at once". Empty: nothing.
std::set<std::string> ViolationsOf(Program& program) {
  std::set<std::string> seen;
  const auto note = [&](const sim::Violation* violation) {
    if (violation != nullptr) seen.insert(violation->check + ": " + violation->message);
  };
  (void)explore::Enumerate(program, {}, {.go_on = true, .on_run = note});
  return seen;
}

TEST(ProgramTest, AssertionsInThreadsAndAtTheEndAreFound) {
  ProgramOf<Counter> racy({.name = "racy",
                           .threads = {[](Counter& c) { STORE(c.count, LOAD(c.count) + 1); },
                                       [](Counter& c) {
                                         const std::uint64_t seen = LOAD(c.count);
                                         REQUIRE(seen == 0, "the other thread was faster");
                                         STORE(c.count, seen + 1);
                                       }},
                           .at_end = [](Counter& c) {
                             REQUIRE_AT_END(c.count.Peek() == 2, "an increment is lost");
                           }});

  EXPECT_EQ(ViolationsOf(racy), (std::set<std::string>{"assertion: an increment is lost",
                                                       "assertion: the other thread was faster"}));
}

TEST(ProgramTest, EachRunStartsFromTheStateThatWasGiven) {
  ProgramOf<Counter> program({.name = "start",
                              .threads = {[](Counter& c) { RMW(c.count, old + 1); }},
                              .start = {.count = Word(7), .mutex = {}}});

  for (int run = 0; run < 3; ++run) {
    EXPECT_EQ(RunUnder(program, ""), nullptr);
    EXPECT_EQ(program.state().count.Peek(), 8u);
  }
}

TEST(ProgramTest, AMutexLetsOneInAtATime) {
  const auto body = [](Counter& c) {
    LOCK(c.mutex);
    STORE(c.count, LOAD(c.count) + 1);
    UNLOCK(c.mutex);
  };
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    ProgramOf<Counter> program({.name = "locked",
                                .threads = {body, body},
                                .at_end =
                                    [](Counter& c) {
                                      REQUIRE_AT_END(c.count.Peek() == 2, "an increment is lost");
                                      REQUIRE_AT_END(c.mutex.owner.Peek() == 0, "still locked");
                                    },
                                .machine = {.memory_model = model}});
    EXPECT_EQ(ViolationsOf(program), std::set<std::string>{});
  }
}

TEST(ProgramTest, TryLockFailsInsteadOfWaiting) {
  const auto body = [](Counter& c) {
    if (!TRY_LOCK(c.mutex)) return;
    RMW(c.count, old + 1);
    UNLOCK(c.mutex);
  };
  ProgramOf<Counter> program({.name = "try", .threads = {body, body}});

  EXPECT_EQ(RunUnder(program, ""), nullptr);
  EXPECT_EQ(program.state().count.Peek(), 2u);
  EXPECT_EQ(RunUnder(program, "T0@1>C1"), nullptr);
  EXPECT_EQ(program.state().count.Peek(), 1u);
}

struct TwoLocks {
  Mutex a, b;
};

TEST(ProgramTest, LocksInTwoOrdersDeadlock) {
  ProgramOf<TwoLocks> program({.name = "lock_order",
                               .threads = {[](TwoLocks& l) {
                                             LOCK(l.a);
                                             LOCK(l.b);
                                           },
                                           [](TwoLocks& l) {
                                             LOCK(l.b);
                                             LOCK(l.a);
                                           }}});

  const sim::Violation* const violation = RunUnder(program, "T0@1>C1");

  ASSERT_NE(violation, nullptr);
  EXPECT_EQ(violation->check, "deadlock");
  EXPECT_EQ(violation->message,
            "nothing can go on: CPU 0 (T0) waits in operator(): lock(l.b); "
            "CPU 1 (T1) waits in operator(): lock(l.a)");
}

struct Mailbox {
  Mutex mutex;
  Condition full;
  Word letter;
  std::uint64_t got = 0;
};

void Send(Mailbox& m) {
  LOCK(m.mutex);
  STORE(m.letter, 5);
  SIGNAL(m.full);
  UNLOCK(m.mutex);
}

TEST(ProgramTest, AConditionWakesWhoWaitsUnderTheMutex) {
  ProgramOf<Mailbox> program({.name = "mailbox",
                              .threads = {&Send,
                                          [](Mailbox& m) {
                                            LOCK(m.mutex);
                                            while (LOAD(m.letter) == 0) WAIT(m.full, m.mutex);
                                            m.got = LOAD(m.letter);
                                            UNLOCK(m.mutex);
                                          }},
                              .at_end = [](Mailbox& m) { REQUIRE_AT_END(m.got == 5, "wrong letter"); },
                              .machine = {.memory_model = MemoryModel::kSc}});

  EXPECT_EQ(ViolationsOf(program), std::set<std::string>{});
}

TEST(ProgramTest, AWakeUpThatNobodyWaitsForIsLost) {
  ProgramOf<Mailbox> program({.name = "lost",
                              .threads = {&Send,
                                          [](Mailbox& m) {
                                            LOCK(m.mutex);
                                            WAIT(m.full, m.mutex);
                                            UNLOCK(m.mutex);
                                          }},
                              .machine = {.memory_model = MemoryModel::kSc}});

  const sim::Violation* const violation = RunUnder(program, "");

  ASSERT_NE(violation, nullptr);
  EXPECT_EQ(violation->check, "deadlock");
}

struct Flag {
  Word flag, data;
  std::uint64_t seen = 0;
};

TEST(ProgramTest, AnAwaitIsOneStepThatFindsWhatItWaitsFor) {
  // What AWAIT saw may be gone again at the next step, but never at its own.
  ProgramOf<Flag> program({.name = "await",
                           .threads = {[](Flag& f) {
                                         STORE(f.flag, 1);
                                         STORE(f.flag, 2);
                                       },
                                       [](Flag& f) {
                                         REQUIRE(AWAIT(f.flag, now == 1) == 1, "too early");
                                         f.seen = LOAD(f.flag);
                                       }},
                           .at_end = [](Flag& f) {
                             REQUIRE_AT_END(f.seen == 1, "moved on");
                             REQUIRE_AT_END(f.seen == 2, "in time");
                           },
                           .machine = {.memory_model = MemoryModel::kSc}});

  EXPECT_EQ(ViolationsOf(program),
            (std::set<std::string>{
                "assertion: moved on", "assertion: in time",
                "deadlock: nothing can go on: CPU 1 (T1) waits in operator(): f.flag"}));
}

TEST(ProgramTest, AnAwaitIsServedByTheOwnStoreBuffer) {
  ProgramOf<Flag> program({.name = "own",
                           .threads = {[](Flag& f) {
                             STORE(f.flag, 1);
                             f.seen = AWAIT(f.flag, now == 1);
                           }}});

  EXPECT_EQ(RunUnder(program, "T0@0~hold(0)"), nullptr);
  EXPECT_EQ(program.state().seen, 1u);
}

TEST(ProgramTest, AHundredAndTwentyEightThreadsRun) {
  const auto body = [](Counter& c) { RMW(c.count, old + 1); };
  ProgramOf<Counter> program(
      {.name = "many", .threads = std::vector<std::function<void(Counter&)>>(128, body)});

  EXPECT_EQ(RunUnder(program, ""), nullptr);
  EXPECT_EQ(program.state().count.Peek(), 128u);
}

TEST(ProgramTest, ALoopWithoutAnEndIsALivelock) {
  ProgramOf<Counter> program({.name = "loop",
                              .threads = {[](Counter& c) {
                                while (LOAD(c.count) == 0) {
                                }
                              }},
                              .machine = {.step_count_max = 100}});

  const sim::Violation* const violation = RunUnder(program, "");

  ASSERT_NE(violation, nullptr);
  EXPECT_EQ(violation->check, "livelock");
}

TEST(ProgramTest, CasSaysWhetherItSwapped) {
  ProgramOf<Counter> program({.name = "cas",
                              .threads = {[](Counter& c) {
                                REQUIRE(CAS(c.count, 0u, 3u), "first");
                                REQUIRE(!CAS(c.count, 0u, 4u), "second");
                              }},
                              .at_end = [](Counter& c) {
                                REQUIRE_AT_END(c.count.Peek() == 3, "value");
                              }});

  EXPECT_EQ(RunUnder(program, ""), nullptr);
}

TEST(ProgramTest, WhatCasStoresIsKnownBeforeByTheCallersNames) {
  ProgramOf<Flag> program({.name = "cas_old",
                           .threads = {[](Flag& f) {
                             const std::uint64_t old = 7;
                             REQUIRE(CAS(f.data, 0u, old), "first");
                             const auto next = [&f] { return LOAD(f.data) + 1; };
                             REQUIRE(CAS(f.flag, 0u, next()), "second");
                           }},
                           .at_end = [](Flag& f) {
                             REQUIRE_AT_END(f.data.Peek() == 7, "the caller's old");
                             REQUIRE_AT_END(f.flag.Peek() == 8, "what was loaded before");
                           }});

  EXPECT_EQ(RunUnder(program, ""), nullptr);
  EXPECT_EQ(program.machine().log().size(), 3u);
}

std::string ReadSource(const std::string& path) {
  std::ifstream file(std::string(SHOOTDOWN_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

struct LoadBuffering {
  Word x;
  Word y;
  std::uint64_t x_seen = 0;
  std::uint64_t y_seen = 0;
};

// Load buffering: both loads give what was stored after them.
TEST(ProgramTest, ALoadWhoseValueIsNeededLaterMayHappenLateUnderRmoAlone) {
  const auto violations = [](MemoryModel model) {
    ProgramOf<LoadBuffering> program({.name = "load_buffering",
                                      .threads = {[](LoadBuffering& s) {
                                                    const auto late = LOAD_LATER(s.x);
                                                    STORE(s.y, 1);
                                                    s.x_seen = LATE_VALUE(late);
                                                  },
                                                  [](LoadBuffering& s) {
                                                    const auto late = LOAD_LATER(s.y);
                                                    STORE(s.x, 1);
                                                    s.y_seen = LATE_VALUE(late);
                                                  }},
                                      .at_end =
                                          [](LoadBuffering& s) {
                                            REQUIRE_AT_END(s.x_seen == 0 || s.y_seen == 0,
                                                           "both loads were late");
                                          },
                                      .machine = {.memory_model = model}});
    return ViolationsOf(program);
  };

  EXPECT_EQ(violations(MemoryModel::kRmo),
            std::set<std::string>{"assertion: both loads were late"});
  EXPECT_EQ(violations(MemoryModel::kPso), std::set<std::string>{});
}

struct LatePointer {
  Word x;
  sim::Cell<Word*> pointer;
};

TEST(ProgramTest, TheValueOfALateLoadIsOfTheCellsType) {
  ProgramOf<LatePointer> program({.name = "late_pointer", .threads = {[](LatePointer& s) {
                                    STORE(s.pointer, &s.x);
                                    const auto late = LOAD_LATER(s.pointer);
                                    Word* const pointer = LATE_VALUE(late);
                                    REQUIRE(pointer == &s.x, "another pointer");
                                  }}});

  EXPECT_EQ(RunUnder(program, ""), nullptr);
}

TEST(ProgramTest, WhoUnlocksWhatHeDoesNotHoldIsWrong) {
  const auto unlock = [](Counter& c) { UNLOCK(c.mutex); };
  const auto lock = [](Counter& c) { LOCK(c.mutex); };
  const auto twice = [](Counter& c) {
    LOCK(c.mutex);
    UNLOCK(c.mutex);
    UNLOCK(c.mutex);  // under TSO the first one may still be in the buffer
  };
  struct Case {
    const char* name;
    std::vector<std::function<void(Counter&)>> threads;
  };
  for (const Case& c : {Case{"nobody's", {unlock}}, Case{"another's", {lock, unlock}}, Case{"twice", {twice}}}) {
    ProgramOf<Counter> program({.name = c.name, .threads = c.threads});

    EXPECT_TRUE(ViolationsOf(program).contains("assertion: unlocks a mutex that it does not hold")) << c.name;
  }
}

TEST(ProgramTest, TheExampleInTheReadmeIsTheOneThatIsBuilt) {
  const std::string readme = ReadSource("fuzz/program/README.md");
  const std::string begin = "```cpp\n";
  const std::size_t from = readme.find(begin) + begin.size();

  EXPECT_EQ(readme.substr(from, readme.find("```", from) - from),
            ReadSource("tests/install/user_project/store_buffering.cc"));
}

}  // namespace
}  // namespace shootdown::program
