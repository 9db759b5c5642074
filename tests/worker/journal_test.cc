#include "worker/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace shootdown::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Harvest Found(const std::string& name, std::size_t bytes = 0) {
  Harvest harvest;
  v1::FoundFailure& found = harvest.findings.emplace_back();
  found.set_campaign_id("c");
  found.mutable_failure()->set_scenario_text(name + std::string(bytes, 'x'));
  return harvest;
}

Harvest Learned(const std::string& schedule) {
  Harvest harvest;
  harvest.inputs.emplace_back().set_schedule(schedule);
  return harvest;
}

Harvest Ended(const std::string& lease) {
  Harvest harvest;
  harvest.result.emplace().set_lease_id(lease);
  return harvest;
}

v1::Settled SettledAs(const std::string& what, v1::Settled::Verdict verdict,
                      const std::string& finding_id = "") {
  v1::Settled settled;
  settled.set_what(what);
  settled.set_verdict(verdict);
  settled.set_finding_id(finding_id);
  return settled;
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::unique_ptr<Journal> OpenAt(const std::string& folder, const Journal::Limits& limits = {}) {
  absl::StatusOr<std::unique_ptr<Journal>> journal = Journal::Open(folder, limits);
  EXPECT_TRUE(journal.ok()) << journal.status().message();
  return journal.ok() ? *std::move(journal) : nullptr;
}

TEST(JournalTest, WhatWasAddedIsThereWhenItIsOpenedAgain) {
  const ScratchFolder folder;
  std::string key;
  {
    const auto journal = OpenAt(folder / "s");
    key = journal->worker_key();
    ASSERT_TRUE(journal->SetWorkerName("anna").ok());
    ASSERT_TRUE(journal->Add(Found("a")).ok());
    ASSERT_TRUE(journal->Add(Learned("b")).ok());
    ASSERT_TRUE(journal->Add(Ended("l1")).ok());
  }
  const auto journal = OpenAt(folder / "s");

  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(journal->worker_key(), key);
  EXPECT_EQ(journal->worker_name(), "anna");
  ASSERT_EQ(journal->findings().size(), 1u);
  const auto found = journal->ReadFinding(journal->findings().begin()->first);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->failure().scenario_text(), "a");
  EXPECT_EQ(journal->inputs().size(), 1u);
  EXPECT_TRUE(journal->ReadResult("l1").ok());
}

TEST(JournalTest, TheSameContentIsKeptOnce) {
  const ScratchFolder folder;
  const auto journal = OpenAt(folder / "s");

  ASSERT_TRUE(journal->Add(Found("a")).ok());
  ASSERT_TRUE(journal->Add(Found("a")).ok());

  EXPECT_EQ(journal->findings().size(), 1u);
}

TEST(JournalTest, WhatIsSettledIsGoneAndLeavesAReceiptIfItWasTaken) {
  const ScratchFolder folder;
  {
    const auto journal = OpenAt(folder / "s");
    ASSERT_TRUE(journal->Add(Found("a")).ok());
    const std::string taken = journal->findings().begin()->first;
    ASSERT_TRUE(journal->Add(Found("b")).ok());
    Harvest learned = Learned("c");
    learned.inputs[0].set_campaign_id("c1");
    learned.inputs[0].set_scenario_key("s1");
    learned.inputs[0].add_features(7);
    learned.inputs[0].add_features(9);
    ASSERT_TRUE(journal->Add(learned).ok());
    ASSERT_TRUE(journal->Add(Ended("l1")).ok());
    const std::string input = journal->inputs().begin()->first;
    std::vector<v1::Settled> settled;
    for (const auto& [hash, size] : journal->findings()) {
      settled.push_back(hash == taken ? SettledAs(hash, v1::Settled::VERDICT_ACCEPTED, "f1")
                                      : SettledAs(hash, v1::Settled::VERDICT_NOT_NEEDED, "f2"));
    }
    settled.push_back(SettledAs(input, v1::Settled::VERDICT_KNOWN));
    settled.push_back(SettledAs("l1", v1::Settled::VERDICT_ACCEPTED));
    settled.push_back(SettledAs("never heard of", v1::Settled::VERDICT_ACCEPTED, "f3"));

    ASSERT_TRUE(journal->Settle(settled).ok());

    const std::string receipts = ReadAll(folder / "s/receipts");
    EXPECT_THAT(receipts, HasSubstr("finding f1\n"));
    const std::string of_c = ToHex(HashBytes("c"));
    EXPECT_THAT(receipts, HasSubstr("input " + input + " c1 s1 1 " + of_c + " 7,2\n"));
    EXPECT_EQ(std::count(receipts.begin(), receipts.end(), '\n'), 2);
  }
  const auto journal = OpenAt(folder / "s");
  EXPECT_THAT(journal->findings(), IsEmpty());
  EXPECT_THAT(journal->inputs(), IsEmpty());
  EXPECT_THAT(journal->results(), IsEmpty());
}

TEST(JournalTest, AHalfReceiptThatAKillLeftIsTakenAway) {
  const ScratchFolder folder;
  OpenAt(folder / "s").reset();
  std::ofstream(folder / "s/receipts") << "finding f1\ninput 0123";
  const auto journal = OpenAt(folder / "s");
  ASSERT_TRUE(journal->Add(Found("a")).ok());

  const std::string found = journal->findings().begin()->first;
  ASSERT_TRUE(journal->Settle({SettledAs(found, v1::Settled::VERDICT_ACCEPTED, "f2")}).ok());

  EXPECT_EQ(ReadAll(folder / "s/receipts"), "finding f1\nfinding f2\n");
}

TEST(JournalTest, InputsAreDroppedAboveALimitAndFindingsNever) {
  const ScratchFolder folder;
  const auto journal = OpenAt(folder / "s", {.input_bytes_max = 1000});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(journal->Add(Learned(std::to_string(i) + std::string(100, 'x'))).ok());
    ASSERT_TRUE(journal->Add(Found(std::to_string(i), 100)).ok());
  }

  EXPECT_EQ(journal->findings().size(), 100u);
  EXPECT_LT(journal->inputs().size(), 10u);
  EXPECT_EQ(journal->dropped_input_count(), 100 - journal->inputs().size());
}

TEST(JournalTest, TheLimitOfInputsCountsThoseThatAreThere) {
  const ScratchFolder folder;
  const Journal::Limits limits = {.input_bytes_max = 1000};
  const Harvest first = Learned(std::string(600, 'a'));
  const Harvest second = Learned(std::string(600, 'b'));
  ASSERT_TRUE(OpenAt(folder / "s", limits)->Add(first).ok());

  const auto journal = OpenAt(folder / "s", limits);
  ASSERT_TRUE(journal->Add(second).ok());
  EXPECT_EQ(journal->inputs().size(), 1u);
  const std::string hash = journal->inputs().begin()->first;
  ASSERT_TRUE(journal->Settle({SettledAs(hash, v1::Settled::VERDICT_ACCEPTED)}).ok());
  ASSERT_TRUE(journal->Add(second).ok());

  EXPECT_EQ(journal->inputs().size(), 1u);
  EXPECT_EQ(journal->dropped_input_count(), 1u);
}

// J3: a kill between the two must not take a finding of which there is no receipt.
TEST(JournalTest, WhatHasNoReceiptIsNotForgotten) {
  const ScratchFolder folder;
  const std::string receipts = folder / "s/receipts";
  {
    const auto journal = OpenAt(folder / "s");
    ASSERT_TRUE(journal->Add(Found("a")).ok());
    fs::create_directory(receipts);  // no file, so nothing can be written to it
    const std::string hash = journal->findings().begin()->first;
    EXPECT_FALSE(journal->Settle({SettledAs(hash, v1::Settled::VERDICT_ACCEPTED, "f")}).ok());
    EXPECT_EQ(journal->findings().size(), 1u);
  }
  fs::remove(receipts);

  EXPECT_EQ(OpenAt(folder / "s")->findings().size(), 1u);
}

TEST(JournalTest, ReceiptsMayBeTakenAwayWhileTheWorkerRuns) {
  const ScratchFolder folder;
  const auto journal = OpenAt(folder / "s");
  ASSERT_TRUE(journal->Add(Found("a")).ok());
  ASSERT_TRUE(journal->Add(Found("b")).ok());
  const auto settle_one = [&](const std::string& finding) {
    const std::string hash = journal->findings().begin()->first;
    return journal->Settle({SettledAs(hash, v1::Settled::VERDICT_ACCEPTED, finding)});
  };
  ASSERT_TRUE(settle_one("first").ok());
  fs::rename(folder / "s/receipts", folder / "old");

  EXPECT_TRUE(settle_one("second").ok());

  EXPECT_EQ(ReadAll(folder / "s/receipts"), "finding second\n");
}

// Who may read, write and enter it.
fs::perms PermissionsOf(const std::string& path) { return fs::status(path).permissions(); }

TEST(JournalTest, AFolderWithOtherThingsInItIsRefusedAndLeftAsItIs) {
  const ScratchFolder folder;
  fs::create_directory(folder / "s");
  fs::permissions(folder / "s", fs::perms(0755));
  std::ofstream(folder / "s/diary") << "mine";

  const auto journal = Journal::Open(folder / "s", {});

  EXPECT_EQ(journal.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(journal.status().message()), HasSubstr("wanted one that is"));
  EXPECT_EQ(PermissionsOf(folder / "s"), fs::perms(0755));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "s"), {}), 1);
}

TEST(JournalTest, AJournalThatLeadsNowhereIsNotOurs) {
  const ScratchFolder folder;
  fs::create_directory(folder / "s");
  fs::create_symlink("journal", folder / "s/journal");

  const auto journal = Journal::Open(folder / "s", {});

  EXPECT_EQ(journal.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(journal.status().message()), HasSubstr("wanted one that is"));
}

TEST(JournalTest, WhatItCreatesIsForItsOwnerAndWhatWasThereKeepsItsPermissions) {
  const ScratchFolder folder;
  fs::create_directory(folder / "empty");
  fs::permissions(folder / "empty", fs::perms(0755));

  OpenAt(folder / "empty").reset();
  OpenAt(folder / "above/new/").reset();

  EXPECT_EQ(PermissionsOf(folder / "empty"), fs::perms(0755));
  EXPECT_EQ(PermissionsOf(folder / "empty/journal"), fs::perms(0700)) << "the secret is in it";
  EXPECT_EQ(PermissionsOf(folder / "above/new"), fs::perms(0700));
}

TEST(JournalTest, ANewerSchemaIsRefusedAndLeftAsItIs) {
  const ScratchFolder folder;
  OpenAt(folder / "s").reset();
  EXPECT_THAT(ReadAll(folder / "s/SHOOTDOWN-WORKER"), StartsWith("schema 1\n"));
  std::ofstream(folder / "s/SHOOTDOWN-WORKER") << "schema 2\nmore\n";

  const auto newer = Journal::Open(folder / "s", {});

  EXPECT_EQ(newer.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(newer.status().message()),
              HasSubstr("has schema 2, but this program knows up to schema 1"));
  std::ofstream(folder / "s/SHOOTDOWN-WORKER") << "nonsense";
  EXPECT_EQ(Journal::Open(folder / "s", {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(JournalTest, AFolderOfAWorkerBeforeTheMarkerIsMarked) {
  const ScratchFolder folder;
  std::string key;
  {
    const auto journal = OpenAt(folder / "s");
    key = journal->worker_key();
    ASSERT_TRUE(journal->Add(Found("a")).ok());
    const std::string found = journal->findings().begin()->first;
    ASSERT_TRUE(journal->Settle({SettledAs(found, v1::Settled::VERDICT_ACCEPTED, "f1")}).ok());
  }
  fs::remove(folder / "s/SHOOTDOWN-WORKER");

  EXPECT_EQ(OpenAt(folder / "s")->worker_key(), key);
  EXPECT_TRUE(fs::exists(folder / "s/SHOOTDOWN-WORKER"));
}

TEST(JournalTest, TwoWorkersDoNotShareAFolder) {
  const ScratchFolder folder;
  const auto journal = OpenAt(folder / "s");

  const auto second = Journal::Open(folder / "s", {});

  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

// RocksDB would start afresh there, and delete what was found and not handed in yet.
TEST(JournalTest, AJournalWithoutItsCurrentFileIsRefusedAndLeftAsItIs) {
  const ScratchFolder folder;
  ASSERT_TRUE(OpenAt(folder / "s")->Add(Found("a")).ok());
  fs::rename(folder / "s/journal/CURRENT", folder / "kept");

  const auto damaged = Journal::Open(folder / "s", {});

  EXPECT_EQ(damaged.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(damaged.status().message()), HasSubstr("its file CURRENT is missing"));
  fs::rename(folder / "kept", folder / "s/journal/CURRENT");
  EXPECT_EQ(OpenAt(folder / "s")->findings().size(), 1u);
}

// The log ends anywhere: what was added before that is there, in order, and what comes later can be
// added.
TEST(JournalTest, ATornEndLosesOnlyTheEnd) {
  const ScratchFolder folder;
  // As a kill would leave it: closing would empty the log into a table.
  const pid_t pid = fork();
  if (pid == 0) {
    const auto journal = OpenAt(folder / "s");
    for (int i = 0; i < 3; ++i) (void)journal->Add(Found(std::to_string(i)));
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
  std::string log;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "s/journal")) {
    if (entry.path().extension() == ".log" && entry.file_size() != 0) {
      log = entry.path().filename().string();
    }
  }
  ASSERT_FALSE(log.empty());
  const std::uintmax_t bytes = fs::file_size(folder / ("s/journal/" + log));

  std::size_t before = 0;
  for (std::uintmax_t end = 0; end <= bytes; ++end) {
    fs::remove_all(folder / "t");
    fs::copy(folder / "s", folder / "t", fs::copy_options::recursive);
    fs::resize_file(folder / ("t/journal/" + log), end);
    const auto journal = OpenAt(folder / "t");
    ASSERT_NE(journal, nullptr) << end;
    const std::size_t count = journal->findings().size();
    EXPECT_GE(count, before) << end;
    before = count;
    if (end % 16 == 0) {
      EXPECT_TRUE(journal->Add(Found("more")).ok()) << end;
    }
  }
  EXPECT_EQ(before, 3u);
}

// A limit on the size of files is a full disk that a test can make.
TEST(JournalTest, AFullDiskIsSaidAndNothingIsLostOnceThereIsRoom) {
  const ScratchFolder folder;
  std::signal(SIGXFSZ, SIG_IGN);
  const auto journal = OpenAt(folder / "s");
  ASSERT_TRUE(journal->Add(Found("a")).ok());
  rlimit old_limit = {};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  const rlimit small = {.rlim_cur = 4096, .rlim_max = old_limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);

  const absl::Status full = journal->Add(Found("b", 100'000));
  setrlimit(RLIMIT_FSIZE, &old_limit);

  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full.message();
  EXPECT_EQ(journal->findings().size(), 1u);
  const absl::Status again = journal->Add(Found("b", 100'000));
  EXPECT_TRUE(again.ok()) << again.message();
  EXPECT_EQ(journal->findings().size(), 2u);
}

TEST(JournalTest, AReceiptThatDoesNotFitOnTheDiskLeavesNoHalfLine) {
  const ScratchFolder folder;
  std::signal(SIGXFSZ, SIG_IGN);
  const auto journal = OpenAt(folder / "s");
  const std::string receipts = folder / "s/receipts";
  ASSERT_TRUE(journal->Add(Found("a")).ok());
  ASSERT_TRUE(journal->Add(Found("b")).ok());
  const auto settle_one = [&] {
    const std::string hash = journal->findings().begin()->first;
    return journal->Settle({SettledAs(hash, v1::Settled::VERDICT_ACCEPTED, "0123456789abcdef")});
  };
  ASSERT_TRUE(settle_one().ok());
  const std::string before = ReadAll(receipts);
  rlimit old_limit = {};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  const rlimit small = {.rlim_cur = before.size() + 10, .rlim_max = old_limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);

  const absl::Status full = settle_one();
  setrlimit(RLIMIT_FSIZE, &old_limit);

  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full.message();
  EXPECT_EQ(ReadAll(receipts), before);
  EXPECT_TRUE(settle_one().ok());
  EXPECT_EQ(ReadAll(receipts), before + before);
}

}  // namespace
}  // namespace shootdown::testing
