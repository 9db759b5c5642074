#include "worker/engine_process.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is not in <csignal>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/base/check.h"
#include "worker/lease_process.h"

namespace shootdown {
namespace {

constexpr int kHelloSecondsMax = 60;
// A host speaks ten times a second while it has a lease.
constexpr absl::Duration kHostSilenceMax = absl::Seconds(30);
// Time in which nobody looked is not the host's silence: then it was us who were stopped.
constexpr absl::Duration kLookMax = absl::Seconds(1);
constexpr absl::Duration kRestartAfter = absl::Seconds(1);

}  // namespace

EngineProcess::~EngineProcess() { End(); }

absl::Status EngineProcess::Spawn() {
  int to[2];
  int from[2];
  if (pipe2(to, O_CLOEXEC) != 0) return absl::ResourceExhaustedError("cannot make a pipe");
  if (pipe2(from, O_CLOEXEC) != 0) {
    close(to[0]);
    close(to[1]);
    return absl::ResourceExhaustedError("cannot make a pipe");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
  std::array<std::string, 6> words = {"shootdown-worker",
                                      "engine",
                                      "--silence-ms",
                                      std::to_string(options_.silence_ms_max),
                                      "--memory-mib",
                                      std::to_string(options_.memory_mib_max)};
  std::array<char*, 7> argv{};
  std::ranges::transform(words, argv.begin(), [](std::string& w) { return w.data(); });
  const int error =
      posix_spawn(&pid_, options_.program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(to[0]);
  close(from[1]);
  to_ = to[1];
  from_ = from[0];
  fcntl(to_, F_SETFL, O_NONBLOCK);
  reader_ = FrameReader();
  outgoing_.clear();
  if (error == 0) return absl::OkStatus();
  pid_ = -1;
  End();
  return absl::ResourceExhaustedError(
      absl::StrFormat("cannot start an engine: %s", std::strerror(error)));
}

void EngineProcess::End() {
  if (to_ >= 0) close(to_);
  if (from_ >= 0) close(from_);
  to_ = from_ = -1;
  if (pid_ <= 0) return;
  // Its child is told by the kernel (PR_SET_PDEATHSIG).
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

absl::StatusOr<std::string> EngineProcess::StartAndAskModelVersion() {
  if (absl::Status s = Spawn(); !s.ok()) return s;
  Harvest none;
  for (int i = 0; i < kHelloSecondsMax && model_version_.empty(); ++i) {
    pollfd polled = {.fd = from_, .events = POLLIN, .revents = 0};
    if (poll(&polled, 1, 1000) <= 0) continue;
    const bool closed = reader_.ReadFrom(from_) == FrameReader::Status::kClosed;
    while (const std::optional<Frame> frame = reader_.Next()) TakeFrame(*frame, none);
    if (closed) break;
  }
  if (model_version_.empty()) {
    End();
    return absl::InternalError("an engine did not come up; this is a fault of ours");
  }
  return model_version_;
}

bool EngineProcess::Ready(absl::Time now) { return !lease_.has_value() && now >= not_before_; }

void EngineProcess::Start(const v1::Lease& lease, std::span<const std::uint32_t> known) {
  SHOOTDOWN_CHECK(!lease_.has_value());
  lease_ = lease;
  run_count_ = 0;
  finding_hashes_.clear();
  last_heard_ = absl::InfinitePast();
  silence_ = absl::ZeroDuration();
  if (pid_ <= 0) (void)Spawn();  // if it fails, Take says so
  v1::FeatureTail features;
  features.mutable_features()->Add(known.begin(), known.end());
  outgoing_ += EncodeFrame(FrameType::kKnownFeatures, features.SerializeAsString());
  outgoing_ += EncodeFrame(FrameType::kLease, lease.SerializeAsString());
  Flush();
}

void EngineProcess::Cancel() {
  if (!lease_.has_value()) return;
  outgoing_ += EncodeFrame(FrameType::kCancel, "");
  Flush();
}

void EngineProcess::Flush() {
  if (to_ < 0) return;
  const ssize_t n = write(to_, outgoing_.data(), outgoing_.size());
  if (n > 0) outgoing_.erase(0, static_cast<std::size_t>(n));
}

pollfd EngineProcess::ToPoll() const { return {.fd = from_, .events = POLLIN, .revents = 0}; }

Harvest EngineProcess::Take(absl::Time now) {
  Harvest harvest;
  if (!outgoing_.empty()) Flush();
  bool closed = from_ < 0;
  bool heard = false;
  for (pollfd polled = ToPoll(); !closed && poll(&polled, 1, 0) > 0;) {
    closed = reader_.ReadFrom(from_) == FrameReader::Status::kClosed;
    heard = true;
    // One result at a time: what follows it belongs to nothing.
    while (const std::optional<Frame> frame = reader_.Next()) TakeFrame(*frame, harvest);
  }
  if (heard || last_heard_ == absl::InfinitePast()) {
    silence_ = absl::ZeroDuration();
  } else {
    silence_ += std::clamp(now - last_heard_, absl::ZeroDuration(), kLookMax);
  }
  last_heard_ = now;
  if (closed) {
    End();
    if (lease_.has_value()) {
      Fail(harvest, "an engine's process died");
      not_before_ = now + kRestartAfter;
    }
  } else if (lease_.has_value() && silence_ > kHostSilenceMax) {
    End();
    Fail(harvest, "an engine's process did not answer");
  }
  return harvest;
}

void EngineProcess::Fail(Harvest& harvest, const std::string& words) {
  SHOOTDOWN_CHECK(lease_.has_value());
  v1::LeaseResult result = ResultOf(*lease_, v1::LeaseResult::OUTCOME_ENGINE_FAILED);
  result.set_run_count(run_count_);
  result.set_words(words);
  for (const std::string& hash : finding_hashes_) result.add_content_hashes(hash);
  harvest.result = std::move(result);
  lease_.reset();
}

void EngineProcess::TakeFrame(const Frame& frame, Harvest& harvest) {
  switch (frame.type) {
    case FrameType::kModelVersion: model_version_ = frame.payload; return;
    case FrameType::kProgress: {
      v1::LeaseHeld held;
      if (held.ParseFromString(frame.payload)) run_count_ = held.run_count();
      return;
    }
    case FrameType::kFinding: {
      v1::FoundFailure found;
      if (!found.ParseFromString(frame.payload)) return;
      finding_hashes_.push_back(ContentHash(frame.payload));
      harvest.findings.push_back(std::move(found));
      return;
    }
    case FrameType::kInput: {
      v1::Input input;
      if (input.ParseFromString(frame.payload)) harvest.inputs.push_back(std::move(input));
      return;
    }
    case FrameType::kResult: {
      v1::LeaseResult result;
      if (!lease_.has_value() || !result.ParseFromString(frame.payload)) return;
      harvest.result = std::move(result);
      lease_.reset();
      return;
    }
    default: return;
  }
}

}  // namespace shootdown
