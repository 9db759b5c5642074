#include "fuzz/sim/tlb.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "fuzz/base/prng.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::sim {
namespace {

using shootdown::testing::GuestProgram;
using shootdown::testing::RunUnder;

constexpr Ctx kKernel{0};
constexpr Ctx kUser{1};
constexpr VirtPage kPageA{0};
constexpr VirtPage kPageB{1};
constexpr std::uint64_t kPresent = 1;

// A TLB with memory of its own.
struct OwnTlb {
  explicit OwnTlb(int entry_count)
      : entries(static_cast<std::size_t>(entry_count)),
        tlb(&state, entries.data(), entry_count) {}
  Tlb::State state;
  std::vector<TlbEntry> entries;
  Tlb tlb;
};

TEST(TlbTest, IsEmptyAtFirst) {
  const OwnTlb own(4);

  EXPECT_EQ(own.tlb.Lookup(kUser, kPageA), nullptr);
}

TEST(TlbTest, DemappingOneContextKeepsTheOthers) {
  OwnTlb own(4);
  own.tlb.Insert(kKernel, kPageA, 10, {});
  own.tlb.Insert(kUser, kPageA, 20, {});
  own.tlb.Insert(kUser, kPageB, 30, {});

  EXPECT_EQ(own.tlb.DemapContext(kUser), 2);

  EXPECT_EQ(own.tlb.Lookup(kUser, kPageA), nullptr);
  EXPECT_EQ(own.tlb.Lookup(kUser, kPageB), nullptr);
  ASSERT_NE(own.tlb.Lookup(kKernel, kPageA), nullptr);
  EXPECT_EQ(own.tlb.Lookup(kKernel, kPageA)->pte, 10u);
}

TEST(TlbTest, DemappingAPageKeepsTheSamePageOfOtherContexts) {
  OwnTlb own(4);
  own.tlb.Insert(kKernel, kPageA, 10, {});
  own.tlb.Insert(kUser, kPageA, 20, {});

  EXPECT_EQ(own.tlb.DemapPage(kUser, kPageA), 1);
  EXPECT_EQ(own.tlb.DemapPage(kUser, kPageA), 0);

  EXPECT_EQ(own.tlb.Lookup(kUser, kPageA), nullptr);
  EXPECT_NE(own.tlb.Lookup(kKernel, kPageA), nullptr);
}

TEST(TlbTest, TheOldestEntryIsReplacedFirst) {
  OwnTlb own(2);
  own.tlb.Insert(kUser, VirtPage{0}, 1, {});
  own.tlb.Insert(kUser, VirtPage{1}, 2, {});

  own.tlb.Insert(kUser, VirtPage{2}, 3, {});

  EXPECT_EQ(own.tlb.Lookup(kUser, VirtPage{0}), nullptr);
  EXPECT_NE(own.tlb.Lookup(kUser, VirtPage{1}), nullptr);
  EXPECT_NE(own.tlb.Lookup(kUser, VirtPage{2}), nullptr);
}

TEST(TlbTest, AnEntryForTheSamePairIsReplacedInPlace) {
  OwnTlb own(2);
  own.tlb.Insert(kUser, kPageA, 1, {.owner = 7});
  own.tlb.Insert(kUser, kPageB, 2, {});

  own.tlb.Insert(kUser, kPageA, 3, {.owner = 8});

  ASSERT_NE(own.tlb.Lookup(kUser, kPageA), nullptr);
  EXPECT_EQ(own.tlb.Lookup(kUser, kPageA)->pte, 3u);
  EXPECT_EQ(own.tlb.Lookup(kUser, kPageA)->ghost.owner, 8u);
  EXPECT_NE(own.tlb.Lookup(kUser, kPageB), nullptr);
}

TEST(TlbTest, EvictTakesAnyNumberModuloTheSize) {
  OwnTlb own(4);
  own.tlb.Insert(kUser, kPageA, 1, {});

  EXPECT_FALSE(own.tlb.Evict(1));
  EXPECT_TRUE(own.tlb.Evict(4));
  EXPECT_FALSE(own.tlb.Evict(4));

  EXPECT_EQ(own.tlb.Lookup(kUser, kPageA), nullptr);
}

// The same as a map that forgets the oldest pair when there are too many. An entry's place, which
// the model keeps too, decides what an eviction drops and what is the oldest.
class TlbModel {
 public:
  using Pair = std::pair<int, int>;
  explicit TlbModel(int entry_count) : places_(static_cast<std::size_t>(entry_count), kFree) {}

  void Insert(Pair pair, std::uint64_t pte) {
    const auto known = pte_of_.find(pair);
    if (known == pte_of_.end()) {
      auto place = std::ranges::find(places_, kFree);
      if (place == places_.end()) {
        place = places_.begin() + static_cast<std::ptrdiff_t>(oldest_);
        oldest_ = (oldest_ + 1) % places_.size();
        pte_of_.erase(*place);
      }
      *place = pair;
    }
    pte_of_[pair] = pte;
  }
  template <class Which>
  int Demap(const Which& which) {
    int dropped = 0;
    for (Pair& place : places_) {
      if (place == kFree || !which(place)) continue;
      pte_of_.erase(place);
      place = kFree;
      ++dropped;
    }
    return dropped;
  }
  bool Evict(int i) {
    Pair& place = places_[static_cast<std::size_t>(i) % places_.size()];
    if (place == kFree) return false;
    pte_of_.erase(place);
    place = kFree;
    return true;
  }
  [[nodiscard]] const std::map<Pair, std::uint64_t>& pte_of() const { return pte_of_; }

 private:
  static constexpr Pair kFree{-1, -1};
  std::vector<Pair> places_;
  std::map<Pair, std::uint64_t> pte_of_;
  std::size_t oldest_ = 0;
};

class TlbModelTest : public ::testing::TestWithParam<int> {};

TEST_P(TlbModelTest, TenThousandMovesAgreeWithAMap) {
  constexpr int kContextCount = 4;
  constexpr int kPageCount = 6;
  constexpr int kMoveCount = 10'000;
  OwnTlb own(GetParam());
  TlbModel model(GetParam());
  Prng prng(static_cast<std::uint64_t>(GetParam()));

  for (int move = 0; move < kMoveCount; ++move) {
    const int ctx = static_cast<int>(prng.Below(kContextCount));
    const int virt = static_cast<int>(prng.Below(kPageCount));
    const Ctx c(static_cast<std::uint16_t>(ctx));
    const VirtPage v(static_cast<std::uint8_t>(virt));
    switch (const std::uint32_t kind = prng.Below(16); kind) {
      case 0:
        ASSERT_EQ(own.tlb.DemapPage(c, v),
                  model.Demap([&](TlbModel::Pair p) { return p == TlbModel::Pair(ctx, virt); }));
        break;
      case 1:
        ASSERT_EQ(own.tlb.DemapContext(c),
                  model.Demap([&](TlbModel::Pair p) { return p.first == ctx; }));
        break;
      case 2: {
        const int i = static_cast<int>(prng.Below(256));
        ASSERT_EQ(own.tlb.Evict(i), model.Evict(i));
        break;
      }
      case 3:
        if (prng.OneIn(4)) {
          ASSERT_EQ(own.tlb.DemapAll(), model.Demap([](TlbModel::Pair) { return true; }));
        }
        break;
      default: {
        const std::uint64_t pte = prng.Next();
        own.tlb.Insert(c, v, pte, {});
        model.Insert({ctx, virt}, pte);
        break;
      }
    }

    for (int k = 0; k < kContextCount * kPageCount; ++k) {
      const TlbEntry* const found =
          own.tlb.Lookup(Ctx(static_cast<std::uint16_t>(k / kPageCount)),
                         VirtPage(static_cast<std::uint8_t>(k % kPageCount)));
      const auto wanted = model.pte_of().find({k / kPageCount, k % kPageCount});
      ASSERT_EQ(found != nullptr, wanted != model.pte_of().end()) << "move " << move;
      if (found == nullptr) continue;
      ASSERT_EQ(found->pte, wanted->second) << "move " << move;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, TlbModelTest, ::testing::Values(1, 2, 4, 16, 64));

// ---- in the machine ------------------------------------------------------------------------------

void Access(GuestProgram& g, int result) {
  const TlbEntry* const entry =
      g.machine().UserAccess(SHOOTDOWN_SITE("access"), /*is_store=*/false, kPageA, kPresent);
  g.reg[result] = entry != nullptr ? entry->pte : 0;
}

void WriteSecondary(GuestProgram& g, Ctx ctx) {
  g.machine().WriteSecondary(SHOOTDOWN_SITE("secondary"), ctx);
}

TEST(MachineTlbTest, CpusOfAGroupShareEntriesAndOthersDoNot) {
  const GuestProgram::Code look = [](GuestProgram& g) {
    WriteSecondary(g, kUser);
    Access(g, g.machine().cpu());
  };
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.machine().tlb().Insert(kUser, kPageA, kPresent, {});
                                    },
                                    look, look, look}},
                       {.tlb_sharing = 2});

  RunUnder(program, "");

  EXPECT_EQ(program.reg[1], kPresent);
  EXPECT_EQ(program.reg[2], 0u);
  EXPECT_EQ(program.reg[3], 0u);
}

TEST(MachineTlbTest, TheSecondaryContextChoosesAmongEntries) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    g.machine().tlb().Insert(kUser, kPageA, kPresent | 16, {});
    Access(g, 0);
    WriteSecondary(g, kUser);
    Access(g, 1);
  }}});

  RunUnder(program, "");

  EXPECT_EQ(program.reg[0], 0u);
  EXPECT_EQ(program.reg[1], kPresent | 16);
  EXPECT_EQ(testing::StepsText(program.machine()),
            "T0 tlb_miss, T0 context_write, T0 user_load");
}

TEST(MachineTlbTest, AnEntryWithoutTheNeededBitsIsAMiss) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    g.machine().tlb().Insert(kKernel, kPageA, 2, {});
    Access(g, 0);
  }}});

  RunUnder(program, "");

  EXPECT_EQ(program.reg[0], 0u);
}

TEST(MachineTlbTest, AnEvictDecisionDropsTheEntryJustBeforeTheStep) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    g.machine().tlb().Insert(kKernel, kPageA, kPresent, {});
    Access(g, 0);
    Access(g, 1);
  }}});

  RunUnder(program, "T0@1~evict(0)");

  EXPECT_EQ(program.reg[0], kPresent);
  EXPECT_EQ(program.reg[1], 0u);
}

TEST(MachineTlbTest, EveryRunStartsFromTheSnapshotsEntries) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    Access(g, 0);
    g.machine().tlb().Insert(kKernel, kPageA, kPresent, {});
    Access(g, 1);
  }}});

  for (int run = 0; run < 3; ++run) {
    RunUnder(program, "");

    EXPECT_EQ(program.reg[0], 0u);
    EXPECT_EQ(program.reg[1], kPresent);
  }
}

}  // namespace
}  // namespace shootdown::sim
