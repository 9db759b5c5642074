#include "fuzz/base/check.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace shootdown {
namespace {

TEST(CheckDeathTest, AFailedCheckSaysWhatAndAborts) {
  EXPECT_DEATH(SHOOTDOWN_CHECK(1 + 1 == 3), "check_test.cc:[0-9]+: check failed: 1 \\+ 1 == 3");
}

TEST(CheckDeathTest, TheContextIsPrintedOnce) {
  const auto die = [] {
    SetCheckContext([] {
      std::fprintf(stderr, "step 7\n");
      SHOOTDOWN_CHECK(false);  // must not print the context again
    });
    SHOOTDOWN_UNREACHABLE("the end");
  };

  EXPECT_DEATH(die(), "check failed: the end\nstep 7\n.*check failed: false");
}

TEST(CheckTest, ACheckThatHoldsDoesNothing) { SHOOTDOWN_CHECK(1 + 1 == 2); }

}  // namespace
}  // namespace shootdown
