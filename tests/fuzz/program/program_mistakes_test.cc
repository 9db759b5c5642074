// Mistakes of who writes a program: each ends the process with words.
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "fuzz/program/program.h"
#include "tests/fuzz/program/program_testing.h"

namespace shootdown::program {
namespace {

struct Shared {
  Mutex mutex;
  Condition full;
  Word count;
};

using ProgramDeathTest = ::testing::Test;

TEST(ProgramDeathTest, MistakesOfWhoWroteItAreSaidInWords) {
  const auto nothing = [](Counter& /*c*/) {};
  const auto build = [&](std::size_t threads, const sim::MachineConfig& machine) {
    ProgramOf<Counter> program(
        {.name = "mine", .threads = std::vector<std::function<void(Counter&)>>(threads, nothing), .machine = machine});
  };

  EXPECT_DEATH(build(129, {}), "program \"mine\": threads: found 129, wanted 1 to 128");
  EXPECT_DEATH(build(0, {}), "program \"mine\": threads: found 0, wanted 1 to 128");
  EXPECT_DEATH(build(1, {.store_buffer_entries = 0}), "machine.store_buffer_entries: found 0, wanted 1 to 16");
  EXPECT_DEATH(build(1, {.tlb_entries = 65}), "machine.tlb_entries: found 65, wanted 1 to 64");
  EXPECT_DEATH(build(1, {.tlb_sharing = 0}), "machine.tlb_sharing: found 0, wanted 1 to 8");
  EXPECT_DEATH(build(1, {.mondo_queue_entries = 17}), "machine.mondo_queue_entries: found 17, wanted 1 to 16");
  EXPECT_DEATH(build(1, {.step_count_max = 65'536}), "machine.step_count_max: found 65536, wanted 1 to 65535");

  ProgramOf<Counter> first({.name = "first", .threads = {nothing}});
  EXPECT_DEATH(build(1, {}), "program \"mine\": found program \"first\" alive, wanted one at a time");
}

TEST(ProgramDeathTest, AConditionHasNoBitForThe65thCpu) {
  const auto run_with = [](std::size_t threads) {
    std::vector<std::function<void(Shared&)>> bodies(threads, [](Shared&) {});
    bodies.back() = [](Shared& s) {
      LOCK(s.mutex);
      WAIT(s.full, s.mutex);
    };
    ProgramOf<Shared> program({.name = "mine", .threads = std::move(bodies)});
    const sim::Violation* const violation = RunUnder(program, "");
    return violation == nullptr ? "" : violation->check;
  };

  EXPECT_EQ(run_with(64), "deadlock");
  EXPECT_DEATH(run_with(65),
               "program \"mine\": found wait\\(s.full, s.mutex\\) on CPU 64, wanted CPU 0 to 63");
}

// Not a tail call, and no frame is left out.
std::uint64_t Sum(std::uint64_t n) {
  volatile std::uint64_t here = n;
  return n == 0 ? 0 : Sum(n - 1) + here;
}

TEST(ProgramDeathTest, AStackThatIsFullIsSaidInWords) {
  const auto run = [](std::function<void(Counter&)> body) {
    ProgramOf<Counter> program(
        {.name = "mine", .threads = {[](Counter& c) { STORE(c.count, 1); }, std::move(body)}});
    (void)RunUnder(program, "");
  };

  EXPECT_DEATH(run([](Counter& c) { STORE(c.count, Sum(1'000'000)); }),
               "program \"mine\": found the stack of T1 full, wanted at most [0-9]+ KiB");
  EXPECT_DEATH(run([](Counter& c) {
                 char array[sim::kStackBytes + std::size_t{128} * 1024];
                 char* volatile lowest = array;  // all of the array is there
                 *lowest = 1;
                 STORE(c.count, static_cast<std::uint64_t>(*lowest));
               }),
               "found the stack of T1 full");
}

TEST(ProgramDeathTest, RequireIsForThreads) {
  ProgramOf<Counter> program({.name = "mine",
                              .threads = {[](Counter& c) { STORE(c.count, 1); }},
                              .at_end = [](Counter& c) { REQUIRE(c.count.Peek() == 2, "an increment is lost"); }});

  EXPECT_DEATH(RunUnder(program, ""),
               "program \"mine\": found REQUIRE in the check at the end, wanted REQUIRE_AT_END");
}

TEST(ProgramDeathTest, RequireAtEndIsForTheCheckAtTheEnd) {
  ProgramOf<Counter> program({.name = "mine", .threads = {[](Counter& c) {
                                REQUIRE_AT_END(LOAD(c.count) == 2, "an increment is lost");
                              }}});

  EXPECT_DEATH(RunUnder(program, ""), "program \"mine\": found REQUIRE_AT_END outside of the check at the end");
}

// The run is over: nobody is there to take a step, or to wait for another one's.
TEST(ProgramDeathTest, StepsAreForThreads) {
  struct Case {
    const char* name;
    std::function<void(Shared&)> at_end;
  };
  const Case cases[] = {
      {"LOAD\\(s.count\\)",
       [](Shared& s) { REQUIRE_AT_END(LOAD(s.count) == 2, "an increment is lost"); }},
      {"STORE\\(s.count\\)", [](Shared& s) { STORE(s.count, 1); }},
      {"RMW\\(s.count\\)", [](Shared& s) { RMW(s.count, old + 1); }},
      {"CAS\\(s.count\\)", [](Shared& s) { REQUIRE_AT_END(CAS(s.count, 1u, 2u), "no increment"); }},
      {"RMW_UNORDERED\\(s.count\\)", [](Shared& s) { RMW_UNORDERED(s.count, old + 1); }},
      {"LOAD_LATER\\(s.count\\)", [](Shared& s) { (void)LOAD_LATER(s.count); }},
      {"MEMBAR\\(sim::kLoadLoad\\)", [](Shared&) { MEMBAR(sim::kLoadLoad); }},
      {"FENCE\\(\\)", [](Shared&) { FENCE(); }},
      {"AWAIT\\(s.count\\)", [](Shared& s) { AWAIT(s.count, now != 0); }},
      {"lock\\(s.mutex\\)", [](Shared& s) { LOCK(s.mutex); }},
      {"try_lock\\(s.mutex\\)", [](Shared& s) { (void)TRY_LOCK(s.mutex); }},
      {"unlock\\(s.mutex\\)", [](Shared& s) { UNLOCK(s.mutex); }},
      {"wait\\(s.full, s.mutex\\)", [](Shared& s) { WAIT(s.full, s.mutex); }},
      {"signal\\(s.full\\)", [](Shared& s) { SIGNAL(s.full); }},
      {"broadcast\\(s.full\\)", [](Shared& s) { BROADCAST(s.full); }},
  };
  for (const Case& c : cases) {
    ProgramOf<Shared> program(
        {.name = "mine", .threads = {[](Shared& s) { STORE(s.count, 1); }}, .at_end = c.at_end});

    EXPECT_DEATH(RunUnder(program, ""), std::string("program \"mine\": found ") + c.name +
                                            " in the check at the end, wanted no step there");
  }
}

TEST(ProgramDeathTest, StepsAreTakenInARunOnCellsOfTheState) {
  EXPECT_DEATH(
      {
        Word nobodys;
        STORE(nobodys, 1);
      },
      "found STORE\\(nobodys\\) where no program lives, wanted it in a thread of one");

  ProgramOf<Shared> idle({.name = "mine", .threads = {[](Shared&) {}}});
  EXPECT_EQ(RunUnder(idle, ""), nullptr);
  EXPECT_DEATH((void)LOAD(idle.state().count), "found LOAD\\(idle.state\\(\\).count\\) outside of a run");
  EXPECT_DEATH(FENCE(), "found FENCE\\(\\) outside of a run");
  EXPECT_DEATH(REQUIRE(idle.name().empty(), "no name"), "found REQUIRE outside of a run, wanted it in a thread");
}

TEST(ProgramDeathTest, WhatIsNoPartOfTheStateIsNotShared) {
  static Word outside;
  static Mutex outer;
  struct Case {
    const char* found;
    std::function<void(Shared&)> body;
  };
  const Case cases[] = {
      {"STORE\\(outside\\)", [](Shared&) { STORE(outside, 1); }},
      {"CAS\\(outside\\)", [](Shared&) { (void)CAS(outside, 0u, 1u); }},
      {"LOAD_LATER\\(outside\\)", [](Shared&) { (void)LOAD_LATER(outside); }},
      {"lock\\(outer\\)", [](Shared&) { LOCK(outer); }},
      {"LOAD\\(local\\)",
       [](Shared&) {
         Word local;
         (void)LOAD(local);
       }},
      {R"(LOAD\(behind\[2\]\))",
       [](Shared& s) {
         Word* const behind = &s.count;
         (void)LOAD(behind[2]);
       }},
  };
  for (const Case& c : cases) {
    ProgramOf<Shared> program({.name = "mine", .threads = {c.body}});

    EXPECT_DEATH(RunUnder(program, ""),
                 std::string("program \"mine\": found ") + c.found + " on what is no part of the state");
  }
}

TEST(ProgramDeathTest, NothingIsThrownOutOfAThreadOrACheck) {
  const auto thrower = [](Counter&) { throw std::runtime_error("no letter"); };
  ProgramOf<Counter>::Parts parts{.name = "mine", .threads = {[](Counter&) {}, thrower}};
  {
    ProgramOf<Counter> program(parts);
    EXPECT_DEATH(RunUnder(program, ""), "found an exception out of T1, wanted none: no letter");
  }
  parts.threads = {[](Counter&) {}};
  parts.at_end = thrower;
  ProgramOf<Counter> program(parts);
  EXPECT_DEATH(RunUnder(program, ""), "found an exception out of the check at the end, wanted none: no letter");
}

TEST(ProgramDeathTest, ARunIsNotMadeWithinARun) {
  const auto run = [](Counter&) { (void)RunUnder(Program::Live(), ""); };
  ProgramOf<Counter>::Parts parts{.name = "mine", .threads = {[](Counter& c) { STORE(c.count, 1); }, run}};
  {
    ProgramOf<Counter> program(parts);
    EXPECT_DEATH(RunUnder(program, ""), "program \"mine\": found a run within a run");
  }
  parts.threads.pop_back();
  parts.at_end = run;
  ProgramOf<Counter> program(parts);
  EXPECT_DEATH(RunUnder(program, ""), "program \"mine\": found a run within a run");
}

struct Large {
  Word words[131'072];
};

TEST(ProgramDeathTest, AStateHasToFitIntoGuestMemory) {
  EXPECT_DEATH(ProgramOf<Large>({.name = "mine", .threads = {[](Large&) {}}}),
               "program \"mine\": bytes of the state: found 1048576, wanted 0 to 10[0-9]+");
}

// tests/install builds and runs that file against an installed package.

}  // namespace
}  // namespace shootdown::program
