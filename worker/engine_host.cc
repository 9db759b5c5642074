#include "worker/engine_host.h"

#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction() is not in <csignal>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shootdown/v1/work.pb.h"
#include "worker/frames.h"
#include "worker/lease_process.h"
#include "worker/model_version.h"

namespace shootdown {
namespace {

using Clock = ChildProcess::Clock;

constexpr int kLookMs = 100;
constexpr std::chrono::milliseconds kLookEvery{kLookMs};

class EngineHost {
 public:
  EngineHost(int in, int out, const ChildLimits& limits) : in_(in), out_(out), limits_(limits) {}

  int Run() {
    Send(FrameType::kModelVersion, ModelVersion());
    while (open_) {
      std::vector<pollfd> polled = {{.fd = in_, .events = POLLIN, .revents = 0}};
      if (lease_ != nullptr) {
        polled.push_back({.fd = lease_->child().fd(), .events = POLLIN, .revents = 0});
      }
      (void)poll(polled.data(), polled.size(), lease_ != nullptr ? kLookMs : -1);
      if (lease_ != nullptr && polled[1].revents != 0) Bring(lease_->Receive());
      if (polled[0].revents != 0) Hear();
      if (lease_ != nullptr) Look();
    }
    return 0;  // the child, if there is one, goes with us
  }

 private:
  void Send(FrameType type, const std::string& payload) {
    const std::string bytes = EncodeFrame(type, payload);
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t n = write(out_, bytes.data() + at, bytes.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        open_ = false;
        return;
      }
      at += static_cast<std::size_t>(n);
    }
  }

  void Hear() {
    if (reader_.ReadFrom(in_) == FrameReader::Status::kClosed) open_ = false;
    while (const std::optional<Frame> frame = reader_.Next()) {
      switch (frame->type) {
        case FrameType::kKnownFeatures: {
          v1::FeatureTail known;
          (void)known.ParseFromString(frame->payload);
          known_.assign(known.features().begin(), known.features().end());
          break;
        }
        case FrameType::kLease: {
          v1::Lease lease;
          (void)lease.ParseFromString(frame->payload);
          Start(std::move(lease));
          break;
        }
        case FrameType::kCancel:
          if (lease_ != nullptr) lease_->Cancel();
          break;
        default: break;
      }
    }
  }

  void Start(v1::Lease lease) {
    // A lease that is no search hangs only if the minimizer does, and that takes its time.
    ChildLimits limits = limits_;
    if (!lease.has_fuzz()) limits.silence_max *= 6;
    v1::LeaseResult failed = ResultOf(lease, v1::LeaseResult::OUTCOME_ENGINE_FAILED);
    absl::StatusOr<std::unique_ptr<LeaseProcess>> started =
        LeaseProcess::Start(std::move(lease), std::move(known_), limits);
    known_.clear();
    if (started.ok()) {
      lease_ = *std::move(started);
      last_look_ = Clock::now();
      return;
    }
    failed.set_words(std::string(started.status().message()));
    Send(FrameType::kResult, failed.SerializeAsString());
  }

  void Bring(const Harvest& harvest) {
    for (const v1::FoundFailure& found : harvest.findings) {
      Send(FrameType::kFinding, found.SerializeAsString());
    }
    for (const v1::Input& input : harvest.inputs) {
      Send(FrameType::kInput, input.SerializeAsString());
    }
    if (!harvest.result.has_value()) return;
    Send(FrameType::kResult, harvest.result->SerializeAsString());
    lease_.reset();
  }

  void Look() {
    const Clock::time_point now = Clock::now();
    if (now - last_look_ < kLookEvery) return;
    last_look_ = now;
    lease_->child().CheckLimits(now);
    v1::LeaseHeld held;
    held.set_lease_id(lease_->lease().id());
    held.set_run_count(lease_->child().state().runs);
    Send(FrameType::kProgress, held.SerializeAsString());
  }

  const int in_;
  const int out_;
  const ChildLimits limits_;
  bool open_ = true;
  FrameReader reader_;
  std::vector<std::uint32_t> known_;
  std::unique_ptr<LeaseProcess> lease_;
  Clock::time_point last_look_;
};

}  // namespace

int RunEngineHost(int in, int out, const ChildLimits& limits) {
  // Signals to a whole group: the worker ends us, by closing the pipe.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  return EngineHost(in, out, limits).Run();
}

}  // namespace shootdown
