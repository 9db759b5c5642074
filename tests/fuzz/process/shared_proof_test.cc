#include "fuzz/process/shared_proof.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <memory>

#include "fuzz/explore/state_search.h"
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

// In which order three threads came, one number for each.
using Orders = std::array<std::uint32_t, 27>;

Report ProveOrders(const explore::Share& share, Orders& orders) {
  struct Line {
    program::Word next;
    program::Word done;
    program::Word place[3];
  };
  const auto thread = [&orders](std::uint64_t number) {
    return [&orders, number](Line& line) {
      const std::uint64_t place = RMW(line.next, old + 1);
      STORE(line.place[place], number);
      if (RMW(line.done, old + 1) != 2) return;
      orders[line.place[0].Peek() * 9 + line.place[1].Peek() * 3 + line.place[2].Peek()] = 1;
    };
  };
  program::ProgramOf<Line> subject({.name = "orders",
                                    .threads = {thread(0), thread(1), thread(2)},
                                    .machine = {.memory_model = program::MemoryModel::kSc}});
  explore::StateOptions options;
  options.share = share;
  options.reached = orders;
  return explore::StateSearch(subject, options).Explore();
}

TEST(SharedProofTest, WhatAnyJobHasReachedIsReached) {
  Orders alone{};
  ASSERT_TRUE(ProveOrders({}, alone).complete);
  EXPECT_EQ(std::ranges::count(alone, 1u), 6);
  for (const std::uint32_t jobs : {2u, 3u, 16u}) {
    const auto proof = SharedProof::Start(jobs, [](const explore::Share& share) {
      Orders orders{};
      (void)ProveOrders(share, orders);
    });
    ASSERT_TRUE(proof.ok()) << proof.status();
    Orders together{};

    EXPECT_TRUE(ProveOrders((*proof)->Share([] { return false; }), together).complete);

    EXPECT_EQ(together, alone) << jobs;
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
