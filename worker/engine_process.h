// An engine in a process of its own (engine_host.h). If that dies, or says nothing any more, its lease
// ends as OUTCOME_ENGINE_FAILED, and another one is started.
#ifndef SHOOTDOWN_WORKER_ENGINE_PROCESS_H_
#define SHOOTDOWN_WORKER_ENGINE_PROCESS_H_

#include <poll.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/engine.h"
#include "worker/frames.h"

namespace shootdown {

class EngineProcess : public Engine {
 public:
  struct Options {
    std::string program = "/proc/self/exe";  // is run as `PROGRAM engine --silence-ms N --memory-mib N`
    std::uint32_t silence_ms_max = 10'000;   // without a run
    std::uint32_t memory_mib_max = 1024;     // of one lease
  };

  explicit EngineProcess(Options options) : options_(std::move(options)) {}
  ~EngineProcess() override;
  EngineProcess(const EngineProcess&) = delete;
  EngineProcess& operator=(const EngineProcess&) = delete;

  // Starts the process and waits until it has said what it can run. INTERNAL if it does not.
  [[nodiscard]] absl::StatusOr<std::string> StartAndAskModelVersion();

  [[nodiscard]] bool Ready(absl::Time now) override;
  void Start(const v1::Lease& lease, std::span<const std::uint32_t> known) override;
  void Cancel() override;
  [[nodiscard]] Harvest Take(absl::Time now) override;
  [[nodiscard]] std::uint64_t run_count() const override { return run_count_; }

  // What to wait for; an fd of -1 is passed over by poll().
  [[nodiscard]] pollfd ToPoll() const;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  [[nodiscard]] absl::Status Spawn();
  void End();
  void Flush();
  void Fail(Harvest& harvest, const std::string& words);
  void TakeFrame(const Frame& frame, Harvest& harvest);

  const Options options_;
  pid_t pid_ = -1;
  int to_ = -1;    // never waits: a host that is stopped must not stop us
  int from_ = -1;
  std::string outgoing_;
  FrameReader reader_;
  std::string model_version_;
  std::optional<v1::Lease> lease_;
  std::uint64_t run_count_ = 0;
  std::vector<std::string> finding_hashes_;  // of this lease's
  absl::Time last_heard_ = absl::InfinitePast();
  absl::Duration silence_ = absl::ZeroDuration();
  absl::Time not_before_ = absl::InfinitePast();
};

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_ENGINE_PROCESS_H_
