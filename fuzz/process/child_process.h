// A process of our own in which a simulation runs: a crash, a hang or a flood of memory in there costs
// nothing out here, and what was running at the time is known.
//
// The child sends messages through a pipe, and keeps a few numbers in shared memory, which outlive it.
// Only a process with one thread may start one: a fork takes along no other thread, but all of their
// locks.
#ifndef SHOOTDOWN_FUZZ_PROCESS_CHILD_PROCESS_H_
#define SHOOTDOWN_FUZZ_PROCESS_CHILD_PROCESS_H_

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/corpus/behaviour_sample.h"
#include "fuzz/schedule/schedule.h"

namespace shootdown {

// What a child writes while it runs, and its parent reads at any time. A child that crashes may leave
// anything in it, so the parent reads no more of an array than there is.
struct ChildState {
  static constexpr std::size_t kCheckpointCount = 64;
  static constexpr std::size_t kDecisionCountMax = 1024;
  static constexpr std::size_t kReachedCountMax = 128;

  // The schedule that is about to run. For the child.
  void SetRunning(const Schedule& schedule);
  // In its canonical form. REQUIRES: the child has ended.
  [[nodiscard]] Schedule Running() const;

  // What the first `run_count` runs did. For the child.
  void SetBehaviours(std::uint64_t run_count, const BehaviourSample& sample);
  struct Behaviours {
    std::uint64_t run_count;
    std::uint32_t entry_count;
    std::array<std::uint64_t, BehaviourSample::kSizeMax> entries;

    [[nodiscard]] std::span<const std::uint64_t> sample() const {
      return std::span(entries).first(std::min<std::size_t>(entry_count, entries.size()));
    }
  };
  // What was set last, whole, however the child ended. REQUIRES: the child has ended.
  [[nodiscard]] const Behaviours& LastBehaviours() const;

  // What its search had done after each 64th of its runs (LeaseResult.checkpoints), as far as it came.
  // REQUIRES: the child has ended.
  [[nodiscard]] std::span<const std::uint64_t> Checkpoints() const;

  // How far its runs have come (kernel::Kernel::reached). For the child.
  void SetReached(std::span<const std::uint32_t> numbers);

  std::atomic<std::uint64_t> runs;
  std::atomic<std::uint64_t> features;
  std::atomic<std::uint64_t> findings_passed_over;
  std::atomic<std::uint64_t> behaviours;  // BehaviourSet: all, and those seen once and twice
  std::atomic<std::uint64_t> behaviours_once;
  std::atomic<std::uint64_t> behaviours_twice;
  // One is written while the other holds; which one holds is the count's lowest bit.
  std::atomic<std::uint32_t> behaviours_set_count;
  std::array<Behaviours, 2> behaviours_set;
  std::atomic<std::uint32_t> checkpoint_count;
  std::atomic<std::uint32_t> decision_count;
  std::array<std::atomic<std::uint32_t>, kReachedCountMax> reached;
  std::array<std::uint64_t, kCheckpointCount> checkpoints;
  std::array<Decision, kDecisionCountMax> decisions;
};

// The child's end of the pipe.
class ChildPipe {
 public:
  explicit ChildPipe(int fd) : fd_(fd) {}
  // Ends the process if nobody listens any more.
  void Send(std::uint8_t type, const std::string& payload) const;

 private:
  int fd_;
};

struct ChildMessage {
  std::uint8_t type = 0;
  std::string payload;
};

// 0: no limit.
struct ChildLimits {
  std::chrono::milliseconds silence_max{0};  // without a run
  std::uint64_t memory_bytes_max = 0;        // resident; looked at ten times a second, so for a
                                             // moment it may be more
};

class ChildProcess {
 public:
  using Clock = std::chrono::steady_clock;
  // Runs in the child. Returning, or exit(), ends it well.
  using Body = std::function<void(const ChildPipe& pipe, ChildState* state)>;

  [[nodiscard]] static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(
      const Body& body, const ChildLimits& limits);
  // Kills the child if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] int fd() const { return pipe_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const ChildState& state() const { return *state_; }

  // Takes what came, without waiting for more than there is. REQUIRES: fd() is readable, !ended().
  [[nodiscard]] std::vector<ChildMessage> Receive();
  // The pipe is closed, and the child reaped.
  [[nodiscard]] bool ended() const { return ended_; }

  // To be called about ten times a second: kills the child if it is beyond a limit. Time in which
  // nobody called does not count as silence: then it was us who were stopped.
  void CheckLimits(Clock::time_point now);
  // Nobody wants the rest of it.
  void Cancel();

  // What it computed, whoever else wanted the processor meanwhile. REQUIRES: ended().
  [[nodiscard]] std::chrono::microseconds cpu_time() const { return cpu_time_; }

  // Nothing if it ended well or was cancelled; else what happened, with what it last said.
  // REQUIRES: ended().
  [[nodiscard]] const std::optional<std::string>& fault() const { return fault_; }

 private:
  ChildProcess() = default;
  void Reap();

  pid_t pid_ = -1;
  int pipe_ = -1;
  int words_ = -1;  // the child's standard error, a file in memory
  ChildState* state_ = nullptr;
  ChildLimits limits_;
  std::string received_;
  bool ended_ = false;
  bool cancelled_ = false;
  std::string killed_because_;
  std::optional<std::string> fault_;
  std::chrono::microseconds cpu_time_{0};
  std::optional<Clock::time_point> last_look_;
  std::uint64_t runs_then_ = 0;
  Clock::duration silence_{0};
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_CHILD_PROCESS_H_
