// A small share of the leases is run again on another worker. The same lease gives the same results
// everywhere, so two that differ mean a broken machine or a bug of ours. So do two workers that say
// different traces of one input; that begins with the second step.
//
//   repeat   another worker runs the lease; equal: done
//   trace    they differ: both, and a third if there is one, run the first input that differs, and
//            the majority is right. Of two workers nobody knows who is right, unless one of them
//            does not give the trace hash that is stored with the input.
//
// Volatile: an audit that is lost with the process is one of many.
#ifndef SHOOTDOWN_SERVER_AUDITS_H_
#define SHOOTDOWN_SERVER_AUDITS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fuzz/corpus/failure.h"
#include "server/leases.h"

namespace shootdown::server {

class Audits {
 public:
  static constexpr std::uint64_t kOneIn = 64;
  static constexpr std::size_t kCountMax = 16;  // at a time
  static constexpr absl::Duration kTimeout = absl::Minutes(2);

  // What a worker gave for the lease.
  struct Outcome {
    std::string worker_id;
    std::uint64_t run_count = 0;
    std::vector<std::uint64_t> checkpoints;
    std::vector<std::string> content_hashes;
  };
  struct Trace {
    std::string worker_id;
    std::string trace_hash;
    std::vector<TraceStep> steps;
  };
  struct Audit {
    std::uint64_t number = 0;
    std::string campaign_id;
    std::string scenario_key;
    std::string model_version;
    v1::FuzzWork work;
    absl::Time begun;
    std::vector<Outcome> outcomes;
    // Once two outcomes differ:
    std::string schedule_text;
    std::string stored_trace_hash;
    bool tracing = false;
    std::vector<Trace> traces;
  };
  struct Verdict {
    std::string words;
    std::vector<std::string> quarantined;  // workers
  };

  // Takes one in kOneIn of the leases that were done, if there is room.
  void Offer(const LeaseRecord& lease, const std::string& model_version, Outcome outcome,
             absl::Time now);

  // `parties` (one or two, connected) do not agree on the trace of an input. False if there is no
  // room, or it is looked at already.
  bool Dispute(const std::string& campaign_id, const std::string& scenario_key,
               const std::string& model_version, const std::string& schedule_text,
               const std::string& stored_trace_hash, const std::vector<std::string>& parties,
               absl::Time now);

  // What `worker` could do for an audit.
  [[nodiscard]] std::optional<LeaseRecord> Next(const Leases& leases,
                                                const WorkerRecord& worker) const;

  [[nodiscard]] Audit* Find(std::uint64_t number);
  [[nodiscard]] const std::map<std::uint64_t, Audit>& audits() const { return audits_; }
  void Drop(std::uint64_t number) { audits_.erase(number); }
  void Expire(absl::Time now);

  // Where two outcomes part, for people; empty if they are equal.
  [[nodiscard]] static std::string Difference(const Outcome& a, const Outcome& b);
  // The first content hash that only one of them has; empty if there is none.
  [[nodiscard]] static std::string FirstForeign(const Outcome& a, const Outcome& b);
  // What the traces say about the workers.
  [[nodiscard]] static Verdict Judge(const Audit& audit);

 private:
  std::map<std::uint64_t, Audit> audits_;
  std::uint64_t last_number_ = 0;
};

// The first row in which two traces differ, for people; empty if they are equal.
[[nodiscard]] std::string FirstDifference(const std::vector<TraceStep>& a,
                                          const std::vector<TraceStep>& b);

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_AUDITS_H_
