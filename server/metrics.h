// What Prometheus reads.
#ifndef SHOOTDOWN_SERVER_METRICS_H_
#define SHOOTDOWN_SERVER_METRICS_H_

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <string>

#include "absl/time/time.h"
#include "server/coordinator.h"

namespace shootdown::server {

class Metrics {
 public:
  Metrics();

  // One call of the RPC `method` that was answered with `code`.
  void Called(const std::string& method, const std::string& code, absl::Duration took);

  // A stream was opened, or closed.
  void StreamBegan() { streams_.Increment(); }
  void StreamEnded() { streams_.Decrement(); }

  // All of it in Prometheus' text format, with what the coordinator has counted.
  [[nodiscard]] std::string Render(Coordinator& coordinator);

 private:
  prometheus::Registry registry_;
  prometheus::Histogram& sync_seconds_;
  prometheus::Family<prometheus::Counter>& calls_;
  prometheus::Histogram& commit_seconds_;
  prometheus::Gauge& streams_;
};

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_METRICS_H_
