#include "server/validate.h"

#include <openssl/sha.h>

#include <set>
#include <span>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzz/base/content_hash.h"
#include "fuzz/corpus/behaviour_sample.h"
#include "fuzz/schedule/schedule.h"
#include "fuzz/store/store.h"
#include "fuzz/strategy/strategy_name.h"
#include "proto/convert.h"
#include "proto/failure_check.h"
#include "proto/printable.h"
#include "proto/scenario_text.h"
#include "server/keys.h"
#include "server/limits.h"

namespace shootdown::server {
namespace {

using keys::IsHex;

constexpr std::size_t kSecretDigits = 32;
constexpr std::size_t kTextBytesMax = 64 << 10;

absl::Status Wrong(const char* field, const std::string& found, const char* wanted) {
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s, wanted %s", field, found, wanted));
}

absl::Status CheckCount(const char* field, int count, int count_max) {
  if (count <= count_max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: %d of them, wanted at most %d", field, count, count_max));
}

std::string Quoted(std::string_view text) { return '"' + ForMessage(text) + '"'; }

std::span<const std::uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

bool IsCanonical(const std::string& schedule) {
  const std::vector<std::uint8_t> bytes = Schedule::Decode(Bytes(schedule)).Encode();
  return std::string(bytes.begin(), bytes.end()) == schedule;
}

// A sample of what its runs did: ascending hashes, with no more times than there were runs.
absl::Status CheckBehaviours(const v1::LeaseResult& result) {
  constexpr std::uint64_t kTimesMask = BehaviourSample::kTimesMask;
  if (absl::Status counted = CheckCount("results.behaviours", result.behaviours_size(),
                                        static_cast<int>(BehaviourSample::kSizeMax));
      !counted.ok()) {
    return counted;
  }
  std::uint64_t times = 0;
  for (int i = 0; i < result.behaviours_size(); ++i) {
    const std::uint64_t entry = result.behaviours(i);
    if ((entry & kTimesMask) == 0) {
      return Wrong("results.behaviours", absl::StrFormat("%016x", entry), "1 to 3 times");
    }
    if (i > 0 && (entry & ~kTimesMask) <= (result.behaviours(i - 1) & ~kTimesMask)) {
      return Wrong("results.behaviours",
                   absl::StrFormat("%016x after %016x", entry, result.behaviours(i - 1)),
                   "ascending hashes");
    }
    times += entry & kTimesMask;
  }
  if (times > result.run_count()) {
    return Wrong("results.behaviours",
                 absl::StrFormat("%d times in %d runs", times, result.run_count()),
                 "no more than runs");
  }
  return absl::OkStatus();
}

absl::Status CheckResult(const v1::LeaseResult& result) {
  if (!IsHex(result.lease_id(), 16)) {
    return Wrong("results.lease_id", Quoted(result.lease_id()), "16 hexadecimal digits");
  }
  if (result.words().size() > kWordsBytesMax) {
    return Wrong("results.words", absl::StrFormat("%d bytes", result.words().size()),
                 "at most 4096");
  }
  if (result.engine_input().size() > kScheduleBytesMax) {
    return Wrong("results.engine_input", absl::StrFormat("%d bytes", result.engine_input().size()),
                 "at most 8192");
  }
  if (absl::Status counted =
          CheckCount("results.content_hashes", result.content_hashes_size(), kContentHashCountMax);
      !counted.ok()) {
    return counted;
  }
  if (absl::Status counted =
          CheckCount("results.checkpoints", result.checkpoints_size(), kCheckpointCountMax);
      !counted.ok()) {
    return counted;
  }
  if (absl::Status counted = CheckCount("results.reached", result.reached_size(), kReachedCountMax);
      !counted.ok()) {
    return counted;
  }
  return CheckBehaviours(result);
}

}  // namespace

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string_view::npos;
}

std::string OfferHash(const google::protobuf::Message& message) {
  return ToHex(HashBytes(message.SerializeAsString()));
}

// A hash that cannot be inverted, nor steered to another's id.
std::string PublicWorkerId(std::string_view worker_key, std::string_view identity) {
  const std::string bytes = std::string(worker_key) + '\0' + std::string(identity);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string id;
  for (int i = 0; i < 8; ++i) id += absl::StrFormat("%02x", digest[i]);
  return id;
}

absl::Status CheckEnvelope(const v1::SyncRequest& request) {
  if (!IsHex(request.worker_key(), kSecretDigits)) {
    return Wrong("worker_key", absl::StrFormat("%d bytes", request.worker_key().size()),
                 "32 hexadecimal digits");
  }
  if (!IsName(request.worker_name())) {
    return Wrong("worker_name", Quoted(request.worker_name()), "1 to 64 of a-z A-Z 0-9 . _ -");
  }
  if (!IsName(request.model_version())) {
    return Wrong("model_version", Quoted(request.model_version()), "1 to 64 of a-z A-Z 0-9 . _ -");
  }
  if (request.job_count() > kJobCountMax) {
    return Wrong("job_count", absl::StrFormat("%d", request.job_count()), "at most 1024");
  }
  for (const absl::Status& counted :
       {CheckCount("held", request.held_size(), kHeldCountMax),
        CheckCount("results", request.results_size(), kResultCountMax),
        CheckCount("offers", request.offers_size(), kOfferCountMax),
        CheckCount("inputs", request.inputs_size(), kContentCountMax),
        CheckCount("findings", request.findings_size(), kContentCountMax),
        CheckCount("features_held", request.features_held_size(), kHeldCountMax)}) {
    if (!counted.ok()) return counted;
  }
  for (const v1::LeaseResult& result : request.results()) {
    if (absl::Status checked = CheckResult(result); !checked.ok()) return checked;
  }
  for (const v1::Offer& offer : request.offers()) {
    if (!IsHex(offer.hash(), 32)) {
      return Wrong("offers.hash", Quoted(offer.hash()), "32 hexadecimal digits");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int> CheckPageSize(std::uint32_t page_size) {
  if (page_size > kPageSizeMax) {
    return absl::InvalidArgumentError(
        absl::StrFormat("page_size: %d, wanted at most %d", page_size, kPageSizeMax));
  }
  return static_cast<int>(page_size == 0 ? kPageSizeDefault : page_size);
}

CheckedInput CheckInput(const v1::Input& input) {
  CheckedInput checked{.offer_hash = OfferHash(input),
                       .schedule_hash = ToHex(HashBytes(input.schedule())),
                       .refused = {}};
  const auto why = [&]() -> std::string {
    if (!IsHex(input.campaign_id(), 16)) return "campaign_id: wanted 16 hexadecimal digits";
    if (!IsHex(input.scenario_key(), 32)) return "scenario_key: wanted 32 hexadecimal digits";
    if (!IsHex(input.trace_hash(), 32)) return "trace_hash: wanted 32 hexadecimal digits";
    if (input.schedule().size() > kScheduleBytesMax) {
      return absl::StrFormat("schedule: %d bytes, wanted at most %d", input.schedule().size(),
                             kScheduleBytesMax);
    }
    if (!IsCanonical(input.schedule())) return "schedule: not in canonical form";
    if (input.features_size() > kFeatureCountMax) {
      return absl::StrFormat("features: %d of them, wanted at most %d", input.features_size(),
                             kFeatureCountMax);
    }
    for (int i = 0; i < input.features_size(); ++i) {
      if (input.features(i) >= kFeatureMax) {
        return absl::StrFormat("features[%d]: %d, wanted below %d", i, input.features(i),
                               kFeatureMax);
      }
      if (i > 0 && input.features(i) <= input.features(i - 1)) {
        return absl::StrFormat("features[%d]: %d after %d, wanted ascending", i, input.features(i),
                               input.features(i - 1));
      }
    }
    return {};
  };
  checked.refused = why();
  return checked;
}

CheckedFinding CheckFinding(const v1::FoundFailure& found) {
  CheckedFinding checked{.offer_hash = OfferHash(found), .id = {}, .failure = {}, .refused = {}};
  checked.failure = FromProto(found.failure());
  checked.id = FailureId(checked.failure);
  const Failure& failure = checked.failure;
  const auto why = [&]() -> std::string {
    if (!IsHex(found.campaign_id(), 16)) return "campaign_id: wanted 16 hexadecimal digits";
    if (!IsHex(found.scenario_key(), 32)) return "scenario_key: wanted 32 hexadecimal digits";
    if (ScenarioKey(failure.scenario_text) != found.scenario_key()) {
      return "failure.scenario_text: its hash is not scenario_key";
    }
    if (failure.minimized || !failure.found_scenario_text.empty()) {
      return "failure.minimized: a failure is reported as it was found";
    }
    for (const std::string* text :
         {&failure.scenario_name, &failure.kind_key, &failure.message, &failure.why}) {
      if (text->size() > kTextBytesMax) return "failure: a text of more than 64 KiB";
    }
    const absl::Status whole = CheckFailure(failure);
    return whole.ok() ? "" : std::string(whole.message());
  };
  checked.refused = why();
  return checked;
}

std::string WhyNotMinimized(const Failure& minimized, const Failure& found) {
  if (FailureId(minimized) != FailureId(found)) return "it is another failure";
  if (!minimized.minimized) return "it is not minimized";
  if (minimized.kind_key != found.kind_key || minimized.check != found.check) {
    return absl::StrFormat("it fails another check: %s", ForMessage(minimized.kind_key));
  }
  const absl::Status whole = CheckFailure(minimized);
  return whole.ok() ? "" : std::string(whole.message());
}

absl::StatusOr<v1::CampaignSpec> CheckSpec(const v1::CampaignSpec& spec) {
  if (!IsName(spec.name())) {
    return Wrong("spec.name", Quoted(spec.name()), "1 to 64 of a-z A-Z 0-9 . _ -");
  }
  if (spec.scenarios_size() < 1 || spec.scenarios_size() > static_cast<int>(kScenarioCountMax)) {
    return Wrong("spec.scenarios", absl::StrFormat("%d of them", spec.scenarios_size()),
                 "1 to 256");
  }
  v1::CampaignSpec kept = spec;
  if (kept.strategy().empty()) kept.set_strategy("libfuzzer");
  if (!ParseStrategyName(kept.strategy()).ok()) {
    return Wrong("spec.strategy", Quoted(spec.strategy()), ("one of " + StrategyUsage()).c_str());
  }
  v1::CampaignBudget& budget = *kept.mutable_budget();
  if (budget.run_count() == 0 && budget.second_count() == 0) {
    return Wrong("spec.budget", "neither run_count nor second_count", "one of them");
  }
  if (budget.input_count_max() == 0) budget.set_input_count_max(kInputCountDefault);
  if (budget.finding_count_max() == 0) budget.set_finding_count_max(kFindingCountDefault);
  if (budget.input_count_max() > kInputCountMax) {
    return Wrong("spec.budget.input_count_max", absl::StrFormat("%d", budget.input_count_max()),
                 "at most 65536");
  }
  if (budget.finding_count_max() > kFindingCountMax) {
    return Wrong("spec.budget.finding_count_max", absl::StrFormat("%d", budget.finding_count_max()),
                 "at most 4096");
  }
  std::set<std::string> texts;
  for (int i = 0; i < kept.scenarios_size(); ++i) {
    std::string& text = *kept.mutable_scenarios(i)->mutable_text();
    if (text.size() > kScenarioBytesMax) {
      return Wrong("spec.scenarios.text", absl::StrFormat("%d bytes", text.size()),
                   "at most 1 MiB");
    }
    const absl::StatusOr<Scenario> scenario =
        ParseScenario(text, absl::StrFormat("spec.scenarios[%d]", i));
    if (!scenario.ok()) return scenario.status();
    text = PrintScenario(*scenario);
    if (!texts.insert(text).second) {
      return Wrong("spec.scenarios", absl::StrFormat("\"%s\" twice", ForMessage(scenario->name)),
                   "each once");
    }
  }
  return kept;
}

}  // namespace shootdown::server
