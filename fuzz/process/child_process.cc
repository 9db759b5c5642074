#include "fuzz/process/child_process.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is not in <csignal>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_format.h"
#include "fuzz/base/check.h"
#include "fuzz/process/fork_child.h"

namespace shootdown {
namespace {

constexpr std::size_t kHeadBytes = 1 + sizeof(std::uint32_t);
constexpr std::size_t kLastWordsBytes = 16'000;  // the schedule of a long run fits
constexpr std::chrono::seconds kLookMax{1};

std::string LastWords(int fd) {
  std::string text(kLastWordsBytes, '\0');
  const off_t end = lseek(fd, 0, SEEK_END);
  const off_t from = std::max<off_t>(0, end - static_cast<off_t>(text.size()));
  const ssize_t n = pread(fd, text.data(), text.size(), from);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

std::chrono::microseconds Duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

std::uint64_t ResidentBytes(pid_t pid) {
  std::FILE* const file = std::fopen(absl::StrFormat("/proc/%d/statm", pid).c_str(), "re");
  if (file == nullptr) return 0;  // it has just ended
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  const int read = std::fscanf(file, "%" SCNu64 " %" SCNu64, &all, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

[[noreturn]] void RunBody(const ChildProcess::Body& body, int fd, ChildState* state) {
  // libFuzzer ends with exit(). What the parent has open is not ours to take down.
  std::atexit([] { _exit(0); });
  signal(SIGPIPE, SIG_IGN);
  body(ChildPipe(fd), state);
  _exit(0);
}

}  // namespace

void ChildState::SetRunning(const Schedule& schedule) {
  const std::size_t n = std::min(schedule.size(), kDecisionCountMax);
  std::copy_n(schedule.decisions().begin(), n, decisions.begin());
  decision_count.store(static_cast<std::uint32_t>(n), std::memory_order_relaxed);
}

Schedule ChildState::Running() const {
  const std::size_t n = std::min<std::size_t>(decision_count, kDecisionCountMax);
  const Schedule left({decisions.begin(), decisions.begin() + static_cast<std::ptrdiff_t>(n)});
  // Any bytes are a schedule; any Decision is not.
  return Schedule::Decode(left.Encode());
}

void ChildState::SetBehaviours(std::uint64_t run_count, const BehaviourSample& sample) {
  const std::uint32_t next = behaviours_set_count.load(std::memory_order_relaxed) + 1;
  Behaviours& set = behaviours_set[next % 2];
  set.run_count = run_count;
  set.entry_count = static_cast<std::uint32_t>(sample.entries().size());
  std::ranges::copy(sample.entries(), set.entries.begin());
  behaviours_set_count.store(next, std::memory_order_release);
}

const ChildState::Behaviours& ChildState::LastBehaviours() const {
  return behaviours_set[behaviours_set_count.load(std::memory_order_acquire) % 2];
}

std::span<const std::uint64_t> ChildState::Checkpoints() const {
  return std::span(checkpoints).first(std::min<std::size_t>(checkpoint_count, kCheckpointCount));
}

void ChildState::SetReached(std::span<const std::uint32_t> numbers) {
  SHOOTDOWN_CHECK(numbers.size() <= kReachedCountMax);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    reached[i].store(numbers[i], std::memory_order_relaxed);
  }
}

void ChildPipe::Send(std::uint8_t type, const std::string& payload) const {
  std::string bytes(1, static_cast<char>(type));
  const auto size = static_cast<std::uint32_t>(payload.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
  bytes += payload;
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = write(fd_, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(0);  // the parent has gone
    at += static_cast<std::size_t>(n);
  }
}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const Body& body,
                                                                  const ChildLimits& limits) {
  std::unique_ptr<ChildProcess> child(new ChildProcess());
  child->limits_ = limits;
  void* const shared = mmap(nullptr, sizeof(ChildState), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return absl::ResourceExhaustedError("cannot map memory for a process");
  child->state_ = static_cast<ChildState*>(shared);  // zero bytes, which are a ChildState
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrFormat("cannot make a pipe: %s", std::strerror(errno)));
  }
  child->pipe_ = ends[0];
  // Without it the child's chatter would go to whoever reads what we print.
  child->words_ = memfd_create("shootdown-child", MFD_CLOEXEC);
  if (child->words_ < 0) {
    const int error = errno;
    close(ends[1]);
    return absl::ResourceExhaustedError(
        absl::StrFormat("cannot make a file in memory: %s", std::strerror(error)));
  }
  const absl::StatusOr<pid_t> pid = ForkChild();
  if (pid.ok() && *pid == 0) {
    close(ends[0]);
    // libFuzzer's chatter is of interest only if the child crashes.
    if (dup2(child->words_, STDERR_FILENO) < 0 || dup2(child->words_, STDOUT_FILENO) < 0) _exit(1);
    RunBody(body, ends[1], child->state_);
  }
  close(ends[1]);
  if (!pid.ok()) return pid.status();
  child->pid_ = *pid;
  return child;
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0 && !ended_) {
    Cancel();
    Reap();
  }
  if (pipe_ >= 0) close(pipe_);
  if (words_ >= 0) close(words_);
  if (state_ != nullptr) munmap(state_, sizeof(ChildState));
}

std::vector<ChildMessage> ChildProcess::Receive() {
  std::vector<ChildMessage> messages;
  char buffer[65536];
  const ssize_t n = read(pipe_, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return messages;
  if (n <= 0) {
    Reap();
    return messages;
  }
  received_.append(buffer, static_cast<std::size_t>(n));
  std::size_t at = 0;
  while (received_.size() - at >= kHeadBytes) {
    std::uint32_t size = 0;
    std::memcpy(&size, received_.data() + at + 1, sizeof size);
    if (received_.size() - at - kHeadBytes < size) break;
    messages.push_back({.type = static_cast<std::uint8_t>(received_[at]),
                        .payload = received_.substr(at + kHeadBytes, size)});
    at += kHeadBytes + size;
  }
  received_.erase(0, at);
  return messages;
}

void ChildProcess::CheckLimits(Clock::time_point now) {
  if (ended_ || cancelled_ || !killed_because_.empty()) return;
  const std::uint64_t runs = state_->runs.load(std::memory_order_relaxed);
  if (last_look_.has_value() && runs == runs_then_) {
    silence_ += std::min<Clock::duration>(now - *last_look_, kLookMax);
  } else {
    silence_ = Clock::duration::zero();
  }
  last_look_ = now;
  runs_then_ = runs;
  if (limits_.silence_max.count() != 0 && silence_ >= limits_.silence_max) {
    killed_because_ = absl::StrFormat("hung: no run came to its end for %.1f s",
                                      std::chrono::duration<double>(silence_).count());
  } else if (limits_.memory_bytes_max != 0) {
    const std::uint64_t bytes = ResidentBytes(pid_);
    if (bytes <= limits_.memory_bytes_max) return;
    killed_because_ = absl::StrFormat("took %d MiB of memory, and may take %d", bytes >> 20,
                                      limits_.memory_bytes_max >> 20);
  } else {
    return;
  }
  kill(pid_, SIGKILL);
}

void ChildProcess::Cancel() {
  if (ended_) return;
  cancelled_ = true;
  kill(pid_, SIGKILL);
}

void ChildProcess::Reap() {
  int status = 0;
  rusage usage = {};
  while (wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  cpu_time_ = Duration(usage.ru_utime) + Duration(usage.ru_stime);
  ended_ = true;
  if (!killed_because_.empty()) {
    fault_ = "a process " + killed_because_;
  } else if (!cancelled_ && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
    fault_ = absl::StrFormat("a process ended with %s %d",
                             WIFSIGNALED(status) ? "signal" : "status",
                             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  }
  if (!fault_.has_value()) return;
  const std::string words = LastWords(words_);
  if (!words.empty()) *fault_ += "; it last said:\n" + words;
}

}  // namespace shootdown
