#include "fuzz/process/shared_proof.h"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "fuzz/program/program.h"

namespace shootdown {
namespace {

using explore::Report;
using explore::StoppedBy;

struct Memory {
  program::Word x;
  program::Word y;
};

// Under RMO its load has eight values older than the last one, in a few states.
Report Prove(const explore::Share& share) {
  const auto subject = std::make_unique<program::ProgramOf<Memory>>(
      program::ProgramOf<Memory>::Parts{.name = "many_values",
                                        .threads = {[](Memory& m) {
                                                      for (int i = 0; i < 8; ++i) RMW(m.x, old + 1);
                                                    },
                                                    [](Memory& m) { STORE(m.y, LOAD(m.x)); }},
                                        .machine = {.memory_model = program::MemoryModel::kRmo}});
  explore::StateOptions options;
  options.share = share;
  return explore::StateSearch(*subject, options).Explore();
}

TEST(SharedProofTest, WhatOneJobCouldNotTryIsMissingInTheProofOfAll) {
  const Report alone = Prove({});
  ASSERT_EQ(alone.stopped_by, StoppedBy::kTooManyWays);
  for (const std::uint32_t jobs : {2u, 3u, 4u, 5u}) {
    const auto proof =
        SharedProof::Start(jobs, [](const explore::Share& share) { (void)Prove(share); });
    ASSERT_TRUE(proof.ok()) << proof.status();

    const Report together = Prove((*proof)->Share([] { return false; }));

    EXPECT_FALSE(together.complete) << jobs;
    EXPECT_EQ(together.stopped_by, StoppedBy::kTooManyWays) << jobs;
    EXPECT_EQ(together.digest, alone.digest) << jobs;
  }
}

TEST(SharedProofTest, AnInterruptEndsItForAll) {
  const auto proof = SharedProof::Start(2, [](const explore::Share& share) { (void)Prove(share); });
  ASSERT_TRUE(proof.ok()) << proof.status();

  EXPECT_EQ(Prove((*proof)->Share([] { return true; })).stopped_by, StoppedBy::kAsked);
}

TEST(SharedProofTest, AJobThatDiesIsNamed) {
  const auto proof = SharedProof::Start(4, [](const explore::Share& share) {
    if (share.job == 2) std::raise(SIGKILL);
    (void)Prove(share);
  });
  ASSERT_TRUE(proof.ok()) << proof.status();

  EXPECT_FALSE(Prove((*proof)->Share([] { return false; })).complete);

  EXPECT_EQ((*proof)->status().message(),
            "job 2 of the proof has died: this is a fault of ours, or of the machine");
}

}  // namespace
}  // namespace shootdown
