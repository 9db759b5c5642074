#include "proto/scenario_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "fuzz/base/prng.h"
#include "tests/proto/print_position.h"
#include "tests/support/scratch_folder.h"

namespace shootdown {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

constexpr std::string_view kSmall =
    "name: \"n\"\n"
    "task { name: \"a\" op: \"x\" }\n"
    "expect { clean: true }\n";

// kSmall with a third line, `line`, put in before its last.
std::string With(std::string_view line) {
  return "name: \"n\"\ntask { name: \"a\" op: \"x\" }\n" + std::string(line) +
         "\nexpect { clean: true }\n";
}

std::string Repeat(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += absl::StrReplaceAll(std::string(text), {{"%", std::to_string(i)}});
  }
  return all;
}

TEST(ScenarioTextTest, AbsentFieldsTakeTheDefaults) {
  const auto parsed = ParseScenario(kSmall, "f");

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  Scenario wanted;
  wanted.name = "n";
  wanted.tasks = {
      {.name = "a", .process = "", .kthread = false, .cpu = 0, .setup = {}, .ops = {{"x"}}}};
  wanted.expected = "clean";
  EXPECT_EQ(*parsed, wanted);
}

constexpr std::string_view kFull = R"(# every field, and no default
name: "seed-stale-hit.2"
summary: "A \"quoted\" sentence, a \\ and é."
commit: "bafb056ce279"
machine {
  cpus: 8
  memory_model: SC
  store_buffer_entries: 16
  tlb_entries: 64
  tlb_sharing: 8
  mondo_flavour: SUN4U
  mondo_done: EXECUTED
  mondo_queue_entries: 16
  mondo_delay_max: 255
  step_count_max: 65535
  context_count: 64
  tsb_entries: 64
  page_count: 64
}
version: "sparc64.flush = trim_if_single_user"
version: "trim.W3=on"
task { name: "app" process: "p" cpu: 7 setup: ["mmap A", "touch A"] op: "munmap A" }
task { name: "sq" kthread: true op: "io_sq_thread" op: "exit" }
checks { on: "x" off: "y" on: "z" }
expect { finds: "stale_tlb_use" preemptions: 2 note: "Why \"so\"." }
)";

TEST(ScenarioTextTest, EveryFieldIsRead) {
  const auto parsed = ParseScenario(kFull, "f");

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->name, "seed-stale-hit.2");
  EXPECT_EQ(parsed->summary, "A \"quoted\" sentence, a \\ and é.");
  EXPECT_EQ(parsed->commit, "bafb056ce279");
  EXPECT_EQ(parsed->machine, (sim::MachineConfig{.cpu_count = 8,
                                                 .memory_model = sim::MemoryModel::kSc,
                                                 .store_buffer_entries = 16,
                                                 .tlb_entries = 64,
                                                 .tlb_sharing = 8,
                                                 .mondo_flavour = sim::MondoFlavour::kSun4u,
                                                 .mondo_done = sim::MondoDone::kExecuted,
                                                 .mondo_queue_entries = 16,
                                                 .mondo_delay_max = 255,
                                                 .step_count_max = 65'535,
                                                 .context_count = 64,
                                                 .tsb_entries = 64,
                                                 .page_count = 64}));
  EXPECT_THAT(parsed->version, ElementsAre(VersionChoice{"sparc64.flush", "trim_if_single_user"},
                                           VersionChoice{"trim.W3", "on"}));
  EXPECT_THAT(parsed->tasks,
              ElementsAre(TaskSpec{"app", "p", false, 7, {{"mmap A"}, {"touch A"}}, {{"munmap A"}}},
                          TaskSpec{"sq", "", true, 0, {}, {{"io_sq_thread"}, {"exit"}}}));
  EXPECT_THAT(parsed->checks_on, ElementsAre("x", "z"));
  EXPECT_THAT(parsed->checks_off, ElementsAre("y"));
  EXPECT_EQ(parsed->expected, "stale_tlb_use");
  EXPECT_EQ(parsed->preemptions, 2);
  EXPECT_EQ(parsed->note, "Why \"so\".");
}

TEST(ScenarioTextTest, EverythingHasItsPlace) {
  ScenarioLocations places;

  ASSERT_TRUE(ParseScenario(kFull, "dir/f", &places).ok());

  EXPECT_THAT(places.version, ElementsAre(TextPosition{20, 10}, TextPosition{21, 10}));
  ASSERT_EQ(places.tasks.size(), 2u);
  EXPECT_EQ(places.tasks[0].task, (TextPosition{22, 1}));
  EXPECT_THAT(places.tasks[0].setup, ElementsAre(TextPosition{22, 48}, TextPosition{22, 58}));
  EXPECT_THAT(places.tasks[0].ops, ElementsAre(TextPosition{22, 73}));
  EXPECT_THAT(places.tasks[1].ops, ElementsAre(TextPosition{23, 37}, TextPosition{23, 56}));
  EXPECT_THAT(places.checks_on, ElementsAre(TextPosition{24, 14}, TextPosition{24, 31}));
  EXPECT_THAT(places.checks_off, ElementsAre(TextPosition{24, 23}));
  EXPECT_EQ(places.expected, (TextPosition{25, 17}));
  EXPECT_EQ(places.At(places.version[1]), "dir/f:21:10");
  EXPECT_EQ(places.At({}), "dir/f");
}

// The canonical form names scenarios in stores: a change here forgets what people have stored.
TEST(ScenarioTextTest, TheCanonicalFormNeverChanges) {
  const auto parsed = ParseScenario(kFull, "f");
  ASSERT_TRUE(parsed.ok());

  EXPECT_EQ(PrintScenario(*parsed), R"(name: "seed-stale-hit.2"
summary: "A \"quoted\" sentence, a \\ and é."
commit: "bafb056ce279"
machine {
  cpus: 8
  memory_model: SC
  store_buffer_entries: 16
  tlb_entries: 64
  tlb_sharing: 8
  mondo_flavour: SUN4U
  mondo_done: EXECUTED
  mondo_queue_entries: 16
  mondo_delay_max: 255
  step_count_max: 65535
  context_count: 64
  tsb_entries: 64
  page_count: 64
}
version: "sparc64.flush = trim_if_single_user"
version: "trim.W3 = on"
task {
  name: "app"
  process: "p"
  cpu: 7
  setup: "mmap A"
  setup: "touch A"
  op: "munmap A"
}
task {
  name: "sq"
  kthread: true
  cpu: 0
  op: "io_sq_thread"
  op: "exit"
}
checks {
  on: "x"
  on: "z"
  off: "y"
}
expect { finds: "stale_tlb_use" preemptions: 2 note: "Why \"so\"." }
)");
}

TEST(ScenarioTextTest, WhatIsPrintedIsReadBack) {
  const std::vector<std::string> words = {"a", "touch A", "x \"y\"", "\\", "é €", "# no", "' } ]"};
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Prng prng(seed);
    const auto some = [&](std::uint32_t bound) { return static_cast<int>(prng.Below(bound)); };
    const auto word = [&] { return words[prng.Below(static_cast<std::uint32_t>(words.size()))]; };
    Scenario scenario;
    scenario.name = "s" + std::to_string(seed);
    scenario.summary = prng.OneIn(2) ? word() : "";
    scenario.commit = prng.OneIn(2) ? "v4.19-rc1" : "";
    scenario.machine = {.cpu_count = 1 + some(64),
                        .memory_model = sim::MemoryModel{static_cast<std::uint8_t>(some(4))},
                        .store_buffer_entries = 1 + some(16),
                        .tlb_entries = 1 + some(64),
                        .tlb_sharing = 1,
                        .mondo_flavour = sim::MondoFlavour{static_cast<std::uint8_t>(some(2))},
                        .mondo_done = sim::MondoDone{static_cast<std::uint8_t>(some(2))},
                        .mondo_queue_entries = 1 + some(16),
                        .mondo_delay_max = some(256),
                        .step_count_max = 100 + prng.Below(65'436),
                        .context_count = 4 << some(5),
                        .tsb_entries = 1 << some(7),
                        .page_count = 1 + some(64)};
    if (prng.OneIn(2)) scenario.arch = "x86_64";
    for (int i = some(3); i > 0; --i) {
      scenario.version.push_back({"a.s" + std::to_string(i), "v_1"});
    }
    for (int i = some(4); i >= 0; --i) {
      TaskSpec task{"t/" + std::to_string(i),
                    "",
                    prng.OneIn(2),
                    some(static_cast<std::uint32_t>(scenario.machine.cpu_count)),
                    {},
                    {}};
      if (!task.kthread && prng.OneIn(2)) task.process = "p:1";
      for (int j = some(3); j > 0; --j) task.setup.push_back({word()});
      for (int j = some(3); j > 0; --j) task.ops.push_back({word()});
      scenario.tasks.push_back(task);
    }
    if (prng.OneIn(2)) scenario.checks_on = {"c1", "c2"};
    if (prng.OneIn(2)) scenario.checks_off = {"d1"};
    scenario.expected = prng.OneIn(2) ? "clean" : "stale_tlb_use";
    if (scenario.expected != "clean" && prng.OneIn(2)) scenario.preemptions = some(101);
    if (scenario.preemptions.has_value() && prng.OneIn(2)) scenario.note = word();

    const auto parsed = ParseScenario(PrintScenario(scenario), "f");

    ASSERT_TRUE(parsed.ok()) << "seed " << seed << ": " << parsed.status();
    ASSERT_EQ(*parsed, scenario) << "seed " << seed << "\n" << PrintScenario(scenario);
  }
}

struct Case {
  const char* name;
  std::string text;
  const char* message;  // how it begins
};

class ScenarioTextErrorTest : public testing::TestWithParam<Case> {};

TEST_P(ScenarioTextErrorTest, SaysWhereAndWhatAndWhatWasWanted) {
  const auto parsed = ParseScenario(GetParam().text, "f");

  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(parsed.status().message()), StartsWith(GetParam().message));
  EXPECT_EQ(parsed.status().message().find('\n'), std::string::npos);
  EXPECT_LE(parsed.status().message().size(), 400u);
}

INSTANTIATE_TEST_SUITE_P(
    Form, ScenarioTextErrorTest,
    testing::Values(
        Case{"Empty", "", "f:1:1: no name, wanted `name: \"...\"`"},
        Case{"UnknownField", "\n foo: 1",
             "f:2:2: no field \"foo\" in scenario, wanted one of name, summary, commit, machine, "
             "version, task, checks, expect"},
        Case{"UnknownInnerField", "task { cpus : 1 }",
             "f:1:8: no field \"cpus\" in task, wanted one of name, process, kthread, cpu, setup, "
             "op"},
        Case{"UnknownEnum", "machine { memory_model: ALPHA }",
             "f:1:25: memory_model: ALPHA, wanted SC or TSO or PSO or RMO"},
        Case{"EnumInQuotes", "machine { memory_model: \"SC\" }",
             "f:1:25: found \"SC\", wanted a name without quotes"},
        Case{"EnumAsNumber", With("machine { mondo_done: 9 }"),
             "f:3:23: mondo_done: value number 9, wanted ACCEPTED or EXECUTED"},
        Case{"EnumZero", With("machine { mondo_flavour: MONDO_FLAVOUR_UNSPECIFIED }"),
             "f:3:26: mondo_flavour: value number 0, wanted SUN4U or SUN4V"},
        Case{"NumberForText", "name: 3", "f:1:7: found \"3\", wanted text in quotes"},
        Case{"TextForNumber", "machine { cpus: \"2\" }",
             "f:1:17: found \"2\", wanted a whole number"},
        Case{"Fraction", "machine { cpus: 1.5 }", "f:1:17: found \"1.5\", wanted a whole number"},
        Case{"HugeNumber", "machine { cpus: 99999999999 }", "f:1:17: 99999999999 is out of range"},
        Case{"NoBool", "task { kthread: maybe }", "f:1:17: kthread: maybe, wanted true or false"},
        Case{"Twice", "name: \"a\"\nname: \"b\"", "f:2:1: \"name\" a second time, wanted it once"},
        Case{"BothVerdicts", "expect { clean: true finds: \"x\" }",
             "f:1:22: both \"clean\" and \"finds\", wanted one of them"},
        Case{"NotClosed", "machine {\n", "f:2:1: found the end of the file, wanted a field"},
        Case{"ClosedTooOften", "}", "f:1:1: found \"}\", wanted a field"},
        Case{"OpenQuote", "name: \"abc\n", "f:1:11: found the end of the line inside quotes"},
        Case{"BadEscape", "name: \"\\q\"", "f:1:9: found an unknown escape"},
        Case{"Extension", "[a.b]: 3", "f:1:6: found an extension, wanted a field"},
        Case{"RunawayNesting", Repeat("machine {", 100'000), "f:1:10: no field \"machine\""},
        Case{"RawControlCharacter", "name: \"a\a\"",
             "f:1:9: control character U+0007, wanted printable UTF-8"},
        Case{"RawControlCharacterInAComment", "# \x1b[2J\n", "f:1:3: control character U+001B"},
        Case{"RawByte", "\t# \xff", "f:1:11: byte 0xff, which is not UTF-8"},
        Case{"EscapedControlCharacter", With("summary: \"a\\001\""),
             "f:3:10: summary: control character U+0001 (at byte 1), wanted printable UTF-8"},
        Case{"EscapedByte", With("version: \"\\377\""), "f:3:10: version: byte 0xff"},
        Case{"Nul", std::string("name: \"n\0\"", 10), "f:1:9: control character U+0000"},
        Case{"LongToken", "\"" + std::string(5000, 'a') + "\"", "f:1:1: found \"aaaa"},
        Case{"LongWord", std::string(5000, 'a') + ": 1", "f:1:1: no field \"aaaa"},
        Case{"TooLarge", std::string(kScenarioBytesMax + 1, ' '),
             "f:1:1: 1048577 bytes, wanted at most 1048576"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Names, ScenarioTextErrorTest,
    testing::Values(
        Case{"Missing", "task { name: \"a\" }", "f:1:1: no name, wanted"},
        Case{"EmptyName", "name: \"\"", "f:1:7: name: \"\", wanted 1 to 64 of A-Z a-z 0-9 . -"},
        Case{"Underscore", "name: \"a_b\"",
             "f:1:7: name: \"a_b\", wanted 1 to 64 of A-Z a-z 0-9 . -"},
        Case{"TooLong", "name: \"" + std::string(65, 'a') + "\"", "f:1:7: name: \"aaaa"},
        Case{"LongSummary", With("summary: \"" + std::string(501, 'a') + "\""),
             "f:3:10: summary: 501 bytes, wanted at most 500"},
        Case{"Commit", With("commit: \"a b\""), "f:3:9: commit: \"a b\", wanted"},
        Case{"NoTask", "name: \"n\" expect { clean: true }",
             "f:1:1: no task, wanted at least one `task { ... }`"},
        Case{"TaskWithoutName", With(" task { op: \"x\" }"),
             "f:3:2: task without a name, wanted `name: \"...\"`"},
        Case{"EmptyTaskName", With("task { name: \"\" }"),
             "f:3:14: name: \"\", wanted 1 to 32 of a-z 0-9 _ / . : -"},
        Case{"LongTaskName", With("task { name: \"" + std::string(33, 'a') + "\" }"),
             "f:3:14: name: \"aaa"},
        Case{"SameTaskName", With("task { name: \"a\" }"),
             "f:3:14: task \"a\" a second time (first at 2:1), wanted a name of its own"},
        Case{"SecondOfAList", With("task: [{ name: \"b\" },\n  { name: \"B\" }]"),
             "f:4:11: name: \"B\", wanted"},
        Case{"Process", With("task { name: \"b\" process: \"P\" }"),
             "f:3:27: process: \"P\", wanted 1 to 32"},
        Case{"EmptyProcess", With("task { name: \"b\" process: \"\" }"),
             "f:3:27: process: \"\", wanted 1 to 32"},
        Case{"ProcessInAKthread", With("task { name: \"b\" process: \"p\" kthread: true }"),
             "f:3:27: process: \"p\" in a kthread, which has no mm, wanted none"},
        Case{"LineBreakInAKthreadsProcess",
             With("task { name: \"b\" process: \"p\\n\" kthread: true }"),
             "f:3:27: process: \"p?\" in a kthread"},
        Case{"TooManyTasks", With(Repeat("task { name: \"b%\" }\n", 60)),
             "f:62:1: 61 tasks, wanted at most 60"},
        Case{"TooManyOps", With("task { name: \"b\"" + Repeat("\nop: \"x\"", 65) + "}"),
             "f:68:5: op: 65 in one task, wanted at most 64"},
        Case{"TooManySetups", With("task { name: \"b\"" + Repeat("\nsetup: \"x\"", 65) + "}"),
             "f:68:8: setup: 65 in one task, wanted at most 64"},
        Case{"LongOp", With("task { name: \"b\" op: \"" + std::string(201, 'x') + "\" }"),
             "f:3:22: op: 201 bytes, wanted at most 200"},
        Case{"EmptyOp", With("task { name: \"b\" op: [\"x\", \" \"] }"),
             "f:3:28: op: no words, wanted an operation"},
        Case{"ControlCharacterInAnOp", With("task { name: \"b\" setup: \"x\\ny\" }"),
             "f:3:25: setup: control character U+000A (at byte 1)"},
        Case{"CheckTwice", With("checks { on: \"x\" off: \"x\" }"),
             "f:3:23: off: check \"x\" a second time (first at 3:14), wanted it once"},
        Case{"EmptyCheck", With("checks { off: \"\" }"), "f:3:15: off: \"\", wanted"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Versions, ScenarioTextErrorTest,
    testing::Values(
        Case{"Empty", With("version: \"\""),
             "f:3:10: version: \"\", wanted the form \"area.switch = value\""},
        Case{"NoValue", With("version: \"a.b =\""), "f:3:10: version: \"a.b =\", wanted"},
        Case{"NoEquals", With("version: \"a.b c\""), "f:3:10: version: \"a.b c\", wanted"},
        Case{"NoDot", With("version: \"ab = c\""), "f:3:10: version: \"ab = c\", wanted"},
        Case{"NothingBeforeTheDot", With("version: \".b = c\""), "f:3:10: version: \".b = c\""},
        Case{"NothingAfterTheDot", With("version: \"a. = c\""), "f:3:10: version: \"a. = c\""},
        Case{"TwoDots", With("version: \"a..b = c\""), "f:3:10: version: \"a..b = c\""},
        Case{"TwoValues", With("version: \"a.b = c d\""), "f:3:10: version: \"a.b = c d\""},
        Case{"TwoEquals", With("version: \"a.b = c = d\""), "f:3:10: version: \"a.b = c = d\""},
        Case{"Twice", With("version: \"a.b = c\"\nversion: \"a.b=d\""),
             "f:4:10: version: \"a.b\" a second time (first at 3:10), wanted it once"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Verdicts, ScenarioTextErrorTest,
    testing::Values(Case{"Missing", "name: \"n\" task { name: \"a\" }", "f:1:1: no expect, wanted"},
                    Case{"Empty", "name: \"n\" task { name: \"a\" }\nexpect { }",
                         "f:2:1: expect is empty, wanted `finds: \"CHECK\"` or `clean: true`"},
                    Case{"NotClean", "name: \"n\" task { name: \"a\" }\nexpect { clean: false }",
                         "f:2:17: clean: false, wanted"},
                    Case{"FindsClean",
                         "name: \"n\" task { name: \"a\" }\nexpect { finds: \"clean\" }",
                         "f:2:17: finds: \"clean\", which is no check, wanted `clean: true`"},
                    Case{"CleanWithPreemptions",
                         "name: \"n\" task { name: \"a\" }\nexpect { clean: true preemptions: 1 }",
                         "f:2:35: preemptions: beside `clean`, wanted it beside `finds`"},
                    Case{"CleanWithANote",
                         "name: \"n\" task { name: \"a\" }\nexpect { clean: true note: \"x\" }",
                         "f:2:28: note: beside `clean`, wanted it beside `preemptions`"},
                    Case{"ANoteAboutNothing",
                         "name: \"n\" task { name: \"a\" }\nexpect { finds: \"x\" note: \"y\" }",
                         "f:2:27: note: without preemptions, wanted it beside `preemptions`"},
                    Case{"PreemptionsBelowZero",
                         "name: \"n\" task { name: \"a\" }\nexpect { finds: \"x\" preemptions: -1 }",
                         "f:2:34: preemptions: -1, wanted 0 .. 100"},
                    Case{"TooManyPreemptions",
                         "name: \"n\" task { name: \"a\" }\nexpect { finds: \"x\" preemptions: 101 }",
                         "f:2:34: preemptions: 101, wanted 0 .. 100"},
                    Case{"ALongNote",
                         "name: \"n\" task { name: \"a\" }\nexpect { finds: \"x\" preemptions: 1 note: \"" +
                             std::string(501, 'x') + "\" }",
                         "f:2:42: note: 501 bytes, wanted at most 500"},
                    Case{"FindsNothing", "name: \"n\" task { name: \"a\" }\nexpect { finds: \"\" }",
                         "f:2:17: finds: \"\", wanted"}),
    [](const auto& test) { return test.param.name; });

TEST(ScenarioTextTest, TheTopmostErrorIsReported) {
  const auto parsed = ParseScenario("expect { clean: false }\nname: \"N_\"\ntask { }", "f");

  EXPECT_THAT(std::string(parsed.status().message()), StartsWith("f:1:17: clean: false"));
}

struct RangeCase {
  const char* field;
  int least;
  int most;
  bool power_of_two = false;
};

class MachineRangeTest : public testing::TestWithParam<RangeCase> {
 protected:
  static absl::StatusOr<Scenario> Parse(int value) {
    // Eight CPUs, so that tlb_sharing meets its own limit first.
    const std::string cpus = std::string(GetParam().field) == "cpus" ? "" : "cpus: 8 ";
    const std::string line = cpus + "\n" + GetParam().field + ": " + std::to_string(value);
    return ParseScenario(With("machine { " + line + " }"), "f");
  }
};

TEST_P(MachineRangeTest, TheEndsAreInAndWhatIsBeyondIsOut) {
  const RangeCase& range = GetParam();
  const int column = static_cast<int>(std::string(range.field).size()) + 3;
  const auto error = [&](int value) {
    return "f:4:" + std::to_string(column) + ": " + range.field + ": " + std::to_string(value) +
           ", wanted " + (range.power_of_two ? "a power of two, " : "") +
           std::to_string(range.least) + " .. " + std::to_string(range.most);
  };

  EXPECT_TRUE(Parse(range.least).ok()) << Parse(range.least).status();
  EXPECT_TRUE(Parse(range.most).ok()) << Parse(range.most).status();
  for (const int value : {range.least - 1, range.most + 1, -1, -2147483647 - 1, 2147483647}) {
    EXPECT_EQ(std::string(Parse(value).status().message()), error(value));
  }
  if (range.power_of_two) {
    EXPECT_EQ(std::string(Parse(12).status().message()), error(12));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, MachineRangeTest,
    testing::Values(RangeCase{"cpus", 1, 64}, RangeCase{"store_buffer_entries", 1, 16},
                    RangeCase{"tlb_entries", 1, 64}, RangeCase{"tlb_sharing", 1, 8},
                    RangeCase{"mondo_queue_entries", 1, 16}, RangeCase{"mondo_delay_max", 0, 255},
                    RangeCase{"step_count_max", 100, 65'535},
                    RangeCase{"context_count", 4, 64, true},
                    RangeCase{"tsb_entries", 1, 64, true}, RangeCase{"page_count", 1, 64}),
    [](const auto& test) { return test.param.field; });

INSTANTIATE_TEST_SUITE_P(
    Between, ScenarioTextErrorTest,
    testing::Values(Case{"MoreSharersThanCpus", With("machine { cpus: 3 tlb_sharing: 4 }"),
                         "f:3:32: tlb_sharing: 4 CPUs share a TLB, but there are 3, wanted 1 .. 3"},
                    Case{"CpuBeyondTheDefault", With("task { name: \"b\" cpu: 2 }"),
                         "f:3:23: cpu: 2, but the machine has 2, wanted 0 .. 1"},
                    Case{"CpuBeyondTheMachine",
                         With("task { name: \"b\" cpu: 1 }\nmachine { cpus: 1 }"),
                         "f:3:23: cpu: 1, but the machine has 1, wanted 0 .. 0"},
                    Case{"NegativeCpu", With("task { name: \"b\" cpu: -1 }"),
                         "f:3:23: cpu: -1, but the machine has 2, wanted 0 .. 1"}),
    [](const auto& test) { return test.param.name; });

TEST(ScenarioTextTest, TheMostIsAllowed) {
  const std::string many_ops =
      "task { name: \"b\"" + Repeat("\nop: \"" + std::string(200, 'x') + "\"", 64) + "}\n";
  EXPECT_TRUE(ParseScenario(With(many_ops), "f").ok());
  EXPECT_TRUE(ParseScenario(With(Repeat("task { name: \"b%\" }\n", 59)), "f").ok());
  EXPECT_TRUE(
      ParseScenario(std::string(kSmall) + std::string(kScenarioBytesMax - kSmall.size(), ' '), "f")
          .ok());
}

TEST(ScenarioFileTest, AFileIsReadAndNamedInErrors) {
  const ScratchFolder folder;
  std::ofstream(folder / "good.textproto") << kSmall;
  std::ofstream(folder / "bad.textproto") << "name: 7";
  ScenarioLocations places;

  EXPECT_EQ(*ReadScenarioFile(folder / "good.textproto", &places), *ParseScenario(kSmall, "f"));
  EXPECT_EQ(places.At(places.expected), (folder / "good.textproto") + ":3:17");
  EXPECT_EQ(std::string(ReadScenarioFile(folder / "bad.textproto").status().message()),
            (folder / "bad.textproto") + ":1:7: found \"7\", wanted text in quotes");
  EXPECT_EQ(ReadScenarioFile(folder / "none").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace shootdown
