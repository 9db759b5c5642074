#include "worker/lease_process.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/engine/features.h"
#include "worker/distill.h"
#include "worker/lease_work.h"

namespace shootdown {
namespace {

constexpr std::size_t kWordsBytesMax = 4096;

template <class Message>
Message Parse(const std::string& bytes) {
  Message message;
  // It comes from our own child: what it cannot write, it did not send.
  (void)message.ParseFromString(bytes);
  return message;
}

// A crash may say anything; what is sent is text of a bounded length.
std::string Words(std::string words) {
  if (words.size() > kWordsBytesMax) words.resize(kWordsBytesMax);
  std::ranges::replace_if(
      words, [](char c) { return c != '\n' && (c < ' ' || c > '~'); }, '?');
  return words;
}

}  // namespace

v1::LeaseResult ResultOf(const v1::Lease& lease, v1::LeaseResult::Outcome outcome) {
  v1::LeaseResult result;
  result.set_lease_id(lease.id());
  result.set_epoch(lease.epoch());
  result.set_campaign_id(lease.campaign_id());
  result.set_outcome(outcome);
  return result;
}

LeaseProcess::LeaseProcess(v1::Lease lease, std::vector<std::uint32_t> known)
    : lease_(std::move(lease)), known_(std::move(known)) {}

absl::StatusOr<std::unique_ptr<LeaseProcess>> LeaseProcess::Start(v1::Lease lease,
                                                                  std::vector<std::uint32_t> known,
                                                                  const ChildLimits& limits) {
  std::erase_if(known, [](std::uint32_t feature) { return feature >= FeatureSet::kBits; });
  std::unique_ptr<LeaseProcess> self(new LeaseProcess(std::move(lease), std::move(known)));
  absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(
      [&self](const ChildPipe& pipe, ChildState* state) {
        DoLeaseWork(self->lease_, self->known_, pipe, state);
      },
      limits);
  if (!child.ok()) return child.status();
  self->child_ = *std::move(child);
  return self;
}

Harvest LeaseProcess::Receive() {
  Harvest harvest;
  for (const ChildMessage& message : child_->Receive()) Take(message, harvest);
  if (child_->ended()) End(harvest);
  return harvest;
}

void LeaseProcess::Cancel() {
  cancelled_ = true;
  child_->Cancel();
}

void LeaseProcess::Take(const ChildMessage& message, Harvest& harvest) {
  switch (message.type) {
    case kLeaseFinding:
      finding_hashes_.push_back(ContentHash(message.payload));
      harvest.findings.push_back(Parse<v1::FoundFailure>(message.payload));
      break;
    case kLeaseInput: inputs_.push_back(Parse<v1::Input>(message.payload)); break;
    case kLeaseResult: result_ = Parse<v1::LeaseResult>(message.payload); break;
    default: break;
  }
}

void LeaseProcess::End(Harvest& harvest) {
  const ChildState& state = child_->state();
  v1::LeaseResult result = ResultOf(lease_, result_.outcome());
  result.MergeFrom(result_);
  if (lease_.has_fuzz()) {
    result.set_run_count(state.runs);
    const std::span<const std::uint64_t> checkpoints = state.Checkpoints();
    result.mutable_checkpoints()->Add(checkpoints.begin(), checkpoints.end());
    if (result.outcome() == v1::LeaseResult::OUTCOME_UNSPECIFIED &&
        state.runs >= lease_.fuzz().run_count()) {
      result.set_outcome(v1::LeaseResult::OUTCOME_DONE);
      const auto sample = state.LastBehaviours().sample();
      result.mutable_behaviours()->Add(sample.begin(), sample.end());
      result.mutable_reached()->Add(state.reached.begin(), state.reached.end());
      while (!result.reached().empty() && *result.reached().rbegin() == 0) {
        result.mutable_reached()->RemoveLast();
      }
    }
  }
  if (result.outcome() == v1::LeaseResult::OUTCOME_UNSPECIFIED) {
    if (cancelled_) {
      result.set_outcome(v1::LeaseResult::OUTCOME_RETURNED);
    } else {
      result.set_outcome(v1::LeaseResult::OUTCOME_ENGINE_FAILED);
      const std::vector<std::uint8_t> input = state.Running().Encode();
      result.set_engine_input(std::string(input.begin(), input.end()));
      result.set_words(child_->fault().value_or("a process ended before its work was done"));
    }
  }
  result.set_words(Words(result.words()));
  for (const std::size_t i : Distill(inputs_, known_)) {
    result.add_content_hashes(ContentHash(inputs_[i].SerializeAsString()));
    harvest.inputs.push_back(std::move(inputs_[i]));
  }
  for (const std::string& hash : finding_hashes_) result.add_content_hashes(hash);
  // A busy machine makes leases longer, not smaller, since a small one is mostly beginning; but not
  // more than twice as long, since somebody waits for their end.
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      ChildProcess::Clock::now() - start_);
  result.set_busy_us(
      static_cast<std::uint64_t>(std::max(child_->cpu_time(), took / 2).count()));
  harvest.result = std::move(result);
}

}  // namespace shootdown
