#include "server/audits.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "fuzz/base/hash.h"

namespace shootdown::server {

std::string FirstDifference(const std::vector<TraceStep>& a, const std::vector<TraceStep>& b) {
  const std::size_t count = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (a[i] == b[i]) continue;
    if (a[i].text == b[i].text) return absl::StrFormat("step %d: other values", i);
    return absl::StrFormat(R"(step %d: "%s" there, "%s" here)", i, a[i].text, b[i].text);
  }
  if (a.size() == b.size()) return {};
  return absl::StrFormat("step %d: one trace has %d steps, the other %d", count, a.size(),
                         b.size());
}

void Audits::Offer(const LeaseRecord& lease, const std::string& model_version, Outcome outcome,
                   absl::Time now) {
  if (Mix64(lease.number) % kOneIn != 0 || audits_.size() >= kCountMax) return;
  Audit& audit = audits_[++last_number_];
  audit.number = last_number_;
  audit.campaign_id = lease.campaign_id;
  audit.scenario_key = lease.scenario_key;
  audit.model_version = model_version;
  audit.work = lease.fuzz;
  audit.begun = now;
  audit.outcomes.push_back(std::move(outcome));
}

bool Audits::Dispute(const std::string& campaign_id, const std::string& scenario_key,
                     const std::string& model_version, const std::string& schedule_text,
                     const std::string& stored_trace_hash, const std::vector<std::string>& parties,
                     absl::Time now) {
  const bool present = std::ranges::any_of(audits_, [&](const auto& entry) {
    const Audit& audit = entry.second;
    return audit.tracing && audit.campaign_id == campaign_id &&
           audit.scenario_key == scenario_key && audit.schedule_text == schedule_text;
  });
  if (present || audits_.size() >= kCountMax) return false;
  Audit& audit = audits_[++last_number_];
  audit.number = last_number_;
  audit.campaign_id = campaign_id;
  audit.scenario_key = scenario_key;
  audit.model_version = model_version;
  audit.begun = now;
  for (const std::string& party : parties) audit.outcomes.emplace_back().worker_id = party;
  audit.schedule_text = schedule_text;
  audit.stored_trace_hash = stored_trace_hash;
  audit.tracing = true;
  return true;
}

std::optional<LeaseRecord> Audits::Next(const Leases& leases, const WorkerRecord& worker) const {
  for (const auto& [number, audit] : audits_) {
    if (audit.model_version != worker.model_version) continue;
    const auto is_out = [&](const std::string* to) {
      return std::ranges::any_of(leases.leases(), [&](const auto& entry) {
        const LeaseRecord& lease = entry.second;
        return lease.audit_number == number && (to == nullptr || lease.worker_id == *to);
      });
    };
    LeaseRecord lease{.campaign_id = audit.campaign_id,
                      .scenario_key = audit.scenario_key,
                      .audit_number = number};
    if (audit.tracing) {
      if (is_out(&worker.id) ||
          std::ranges::find(audit.traces, worker.id, &Trace::worker_id) != audit.traces.end()) {
        continue;
      }
      // The two that differ, and whoever comes third.
      const bool party =
          std::ranges::find(audit.outcomes, worker.id, &Outcome::worker_id) != audit.outcomes.end();
      const bool third = audit.traces.size() + 1 > audit.outcomes.size();
      if (!party && !third) continue;
      lease.kind = TaskKind::kTrace;
      lease.schedule_text = audit.schedule_text;
      return lease;
    }
    if (is_out(nullptr) || worker.id == audit.outcomes.front().worker_id) continue;
    lease.kind = TaskKind::kAudit;
    lease.fuzz = audit.work;
    return lease;
  }
  return std::nullopt;
}

Audits::Audit* Audits::Find(std::uint64_t number) {
  const auto found = audits_.find(number);
  return found == audits_.end() ? nullptr : &found->second;
}

void Audits::Expire(absl::Time now) {
  std::erase_if(audits_, [&](const auto& entry) { return entry.second.begun + kTimeout <= now; });
}

std::string Audits::Difference(const Outcome& a, const Outcome& b) {
  const std::size_t count = std::min(a.checkpoints.size(), b.checkpoints.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (a.checkpoints[i] != b.checkpoints[i]) {
      return absl::StrFormat("they part in part %d of 64 of the runs", i + 1);
    }
  }
  if (a.run_count != b.run_count) {
    return absl::StrFormat("one made %d runs, the other %d", a.run_count, b.run_count);
  }
  if (a.checkpoints.size() != b.checkpoints.size()) return "they have other checkpoints";
  if (a.content_hashes != b.content_hashes) return "they found other things";
  return {};
}

std::string Audits::FirstForeign(const Outcome& a, const Outcome& b) {
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    for (const std::string& hash : one->content_hashes) {
      if (std::ranges::find(other->content_hashes, hash) == other->content_hashes.end()) {
        return hash;
      }
    }
  }
  return {};
}

Audits::Verdict Audits::Judge(const Audit& audit) {
  std::map<std::string, std::vector<const Trace*>> by_hash;
  for (const Trace& trace : audit.traces) by_hash[trace.trace_hash].push_back(&trace);
  if (by_hash.size() <= 1) {
    return {.words =
                "all traces of the first input that differs are equal: the runs differ "
                "elsewhere",
            .quarantined = {}};
  }
  const auto most =
      std::ranges::max_element(by_hash, {}, [](const auto& entry) { return entry.second.size(); });
  const bool majority = 2 * most->second.size() > audit.traces.size();
  const std::string right = majority ? most->first : audit.stored_trace_hash;
  const auto believed = by_hash.find(right);
  if (believed == by_hash.end()) {
    return {.words = "nobody can tell which is right: " +
                     FirstDifference(audit.traces[0].steps, audit.traces[1].steps),
            .quarantined = {}};
  }
  Verdict verdict;
  for (const auto& [hash, traces] : by_hash) {
    if (hash == right) continue;
    for (const Trace* trace : traces) {
      verdict.quarantined.push_back(trace->worker_id);
      verdict.words = absl::StrFormat(
          "its trace differs from that of %d of %d workers: %s", believed->second.size(),
          audit.traces.size(), FirstDifference(believed->second.front()->steps, trace->steps));
    }
  }
  return verdict;
}

}  // namespace shootdown::server
