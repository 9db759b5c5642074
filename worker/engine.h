// An engine, as the worker's loop sees it: takes one lease at a time, and brings in what it yields.
#ifndef SHOOTDOWN_WORKER_ENGINE_H_
#define SHOOTDOWN_WORKER_ENGINE_H_

#include <cstdint>
#include <span>

#include "absl/time/time.h"
#include "shootdown/v1/work.pb.h"
#include "worker/harvest.h"

namespace shootdown {

class Engine {
 public:
  virtual ~Engine() = default;

  // Can take a lease.
  [[nodiscard]] virtual bool Ready(absl::Time now) = 0;
  // REQUIRES: Ready(). Each lease that was started brings a result, whatever happens to the engine.
  virtual void Start(const v1::Lease& lease, std::span<const std::uint32_t> known) = 0;
  // The lease shall end now. Its result comes with a Take, and says OUTCOME_RETURNED.
  virtual void Cancel() = 0;
  // What came since the last call.
  [[nodiscard]] virtual Harvest Take(absl::Time now) = 0;
  // Of the lease that runs.
  [[nodiscard]] virtual std::uint64_t run_count() const = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_ENGINE_H_
