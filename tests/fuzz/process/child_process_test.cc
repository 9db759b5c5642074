#include "fuzz/process/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace shootdown {
namespace {

using ::testing::HasSubstr;

constexpr std::uint8_t kType = 7;

// All that a child sends until it has ended.
std::vector<ChildMessage> ReceiveAll(ChildProcess& child) {
  std::vector<ChildMessage> all;
  while (!child.ended()) {
    for (ChildMessage& message : child.Receive()) all.push_back(std::move(message));
  }
  return all;
}

TEST(ChildProcessTest, WhatAChildSendsComesAndWhatItPrintsDoesNot) {
  ::testing::internal::CaptureStdout();
  std::printf("ours, not yet flushed\n");
  const auto child = ChildProcess::Start(
      [](const ChildPipe& pipe, ChildState*) {
        std::printf("chatter\n");
        std::fflush(nullptr);
        pipe.Send(kType, "hello");
      },
      {});
  ASSERT_TRUE(child.ok()) << child.status();

  const std::vector<ChildMessage> messages = ReceiveAll(**child);

  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].type, kType);
  EXPECT_EQ(messages[0].payload, "hello");
  EXPECT_FALSE((*child)->fault().has_value());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "ours, not yet flushed\n");
}

TEST(ChildProcessTest, WhatItLastSaidStandsInItsFault) {
  const auto child = ChildProcess::Start(
      [](const ChildPipe&, ChildState*) {
        std::fprintf(stderr, "last words\n");
        std::abort();
      },
      {});
  ASSERT_TRUE(child.ok()) << child.status();

  (void)ReceiveAll(**child);

  EXPECT_THAT((*child)->fault().value_or(""), HasSubstr("ended with signal 6"));
  EXPECT_THAT((*child)->fault().value_or(""), HasSubstr("last words"));
}

TEST(ChildProcessTest, WhatACrashLeftInItsStateCanBeReadWhateverItIs) {
  const auto child = ChildProcess::Start(
      [](const ChildPipe&, ChildState* state) {
        std::memset(static_cast<void*>(state), 0xff, sizeof *state);
        std::abort();
      },
      {});
  ASSERT_TRUE(child.ok()) << child.status();

  (void)ReceiveAll(**child);

  const ChildState& state = (*child)->state();
  EXPECT_EQ(Schedule::Parse(state.Running().ToText()).value(), state.Running());
  EXPECT_EQ(state.LastBehaviours().sample().size(), BehaviourSample::kSizeMax);
  EXPECT_EQ(state.Checkpoints().size(), ChildState::kCheckpointCount);
}

// Else its chatter would go where our own output goes.
TEST(ChildProcessTest, WithoutAPlaceForItsChatterThereIsNoChild) {
  const int free_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  close(free_fd);
  rlimit old_limit = {};
  getrlimit(RLIMIT_NOFILE, &old_limit);
  // Enough for the pipe, and no more.
  const rlimit small = {.rlim_cur = static_cast<rlim_t>(free_fd) + 2,
                        .rlim_max = old_limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &small);

  const auto child = ChildProcess::Start([](const ChildPipe&, ChildState*) {}, {});
  setrlimit(RLIMIT_NOFILE, &old_limit);

  EXPECT_EQ(child.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(child.status().message()), HasSubstr("cannot make a file in memory"));
}

}  // namespace
}  // namespace shootdown
