// What others wait for when a task ends, however it ends.
#include <gtest/gtest.h>

#include <string>

#include "tests/fuzz/kernel/kernel_testing.h"

namespace shootdown::testing {
namespace {

TEST(CoredumpTest, TheDumperGoesOnWhenTheOtherThreadsHaveExited) {
  const Ran ran(CleanScenario(
      {User({.name = "dumper", .ops = "coredump", .process = "shared"}),
       User({.name = "peer", .cpu = 1, .ops = "mmap A; exit", .process = "shared"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.mm(1).mm_users.Peek(), 0);
}

TEST(CoredumpTest, TheDumperGoesOnWhenTheOtherThreadIsOnItsCpu) {
  const Ran ran(
      CleanScenario({User({.name = "dumper", .ops = "coredump", .process = "shared"}),
                     User({.name = "peer", .ops = "mmap A; exit", .process = "shared"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
}

TEST(CoredumpTest, AThreadThatDoesNotEndHoldsItUp) {
  const Ran ran(
      CleanScenario({User({.name = "dumper", .ops = "coredump", .process = "shared"}),
                     User({.name = "peer", .cpu = 1, .ops = "mmap A", .process = "shared"})}));

  EXPECT_EQ(ran.outcome().check, "deadlock");
}

class CalleeTest : public ::testing::TestWithParam<const char*> {};

// Its file of the device is released on the way, for whoever waits for a reply, and with it the mm.
TEST_P(CalleeTest, ACalleeThatEndsReleasesItsCaller) {
  const Ran ran(CleanScenario({User({.name = "caller", .ops = "binder_transaction proc"}),
                               User({.name = "callee",
                                     .cpu = 1,
                                     .setup = "mmap A; touch A; binder_mmap proc",
                                     .ops = GetParam()}),
                               Kthread({.name = "kworker", .cpu = 1, .ops = "mmput_async_fn"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.mm(2).grabs, 0u);
}

INSTANTIATE_TEST_SUITE_P(Ends, CalleeTest, ::testing::Values("exit", "coredump", "exec image"),
                         [](const auto& end) {
                           const std::string op = end.param;
                           return op.substr(0, op.find(' '));
                         });

TEST(RingMakerTest, ItsEndReleasesItsCaller) {
  const Ran ran(CleanScenario({User({.name = "caller", .ops = "binder_transaction proc"}),
                               User({.name = "callee",
                                     .cpu = 1,
                                     .setup = "mmap A; binder_mmap proc; io_uring_setup_sqo ring",
                                     .ops = "exit_sqo ring"}),
                               Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread_sqo ring"}),
                               Kthread({.name = "kworker", .cpu = 1, .ops = "mmput_async_fn"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
}

// A request has a reference to the files of its own, so the kernel thread's goes when it has let go of the ring.
TEST(RingMakerTest, TheKernelThreadKeepsNeitherMmNorFiles) {
  const Ran ran(CleanScenario({User({.name = "maker",
                                     .setup = "mmap A; io_uring_setup_sqo ring",
                                     .ops = "io_uring_submit_sqo ring A; yield; exit_sqo ring"}),
                               Kthread({.name = "sq", .ops = "io_sq_thread_sqo ring"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.Count("put_files_struct: ctx->files"), 3);  // the thread's, the request's, the maker's
  EXPECT_EQ(ran.mm(1).mm_users.Peek(), 0);
}

}  // namespace
}  // namespace shootdown::testing
