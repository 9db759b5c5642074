#include "proto/failure_check.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "fuzz/schedule/schedule.h"
#include "proto/convert.h"
#include "proto/printable.h"
#include "proto/scenario_text.h"

namespace shootdown {
namespace {

constexpr std::size_t kCheckBytesMax = 256;

bool IsHash(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string Words(const absl::Status& status) { return std::string(status.message()); }

std::string WhyNotOneEach(const char* field, std::size_t count, std::size_t decision_count) {
  if (count == decision_count) return {};
  return absl::StrFormat("%s: %d of them, wanted one for each of the %d decisions", field, count,
                         decision_count);
}

std::string WhyNoTexts(const Failure& failure) {
  const auto why_no_scenario = [](const std::string& text, const char* field) -> std::string {
    const absl::StatusOr<Scenario> scenario = ParseScenario(text, field);
    return scenario.ok() ? "" : Words(scenario.status());
  };
  if (std::string words = why_no_scenario(failure.scenario_text, "scenario_text"); !words.empty()) {
    return words;
  }
  if (!failure.found_scenario_text.empty()) {
    if (std::string words = why_no_scenario(failure.found_scenario_text, "found_scenario_text");
        !words.empty()) {
      return words;
    }
  }
  const absl::StatusOr<Schedule> found = Schedule::Parse(failure.found_schedule_text);
  if (!found.ok()) return "found_schedule_text: " + Words(found.status());
  return {};
}

// Of what minimizing tells.
std::string WhyNotMinimal(const Failure& failure, std::size_t decision_count) {
  if (failure.minimized) return WhyNotOneEach("proof", failure.proof.size(), decision_count);
  if (failure.schedule_text != failure.found_schedule_text) {
    return "schedule_text: is not found_schedule_text, and the failure is not minimized";
  }
  if (!failure.found_scenario_text.empty()) {
    return "found_scenario_text: is set, and the failure is not minimized";
  }
  if (!failure.proof.empty() || !failure.scenario_proof.empty()) {
    return "proof: is set, and the failure is not minimized";
  }
  if (failure.minimality != Minimality::kUnknown) {
    return absl::StrFormat("minimality: is %s, and the failure is not minimized",
                           MinimalityName(failure.minimality));
  }
  return {};
}

std::string WhyNot(const Failure& failure) {
  if (std::string words = WhyNoTexts(failure); !words.empty()) return words;
  const absl::StatusOr<Schedule> schedule = Schedule::Parse(failure.schedule_text);
  if (!schedule.ok()) return "schedule_text: " + Words(schedule.status());
  if (std::string words = WhyNotOneEach("anchors", failure.anchors.size(), schedule->size());
      !words.empty()) {
    return words;
  }
  if (std::string words = WhyNotMinimal(failure, schedule->size()); !words.empty()) return words;
  if (failure.check.empty() || failure.check.size() > kCheckBytesMax) {
    return absl::StrFormat("check: %d bytes, wanted 1 to %d", failure.check.size(), kCheckBytesMax);
  }
  if (!IsHash(failure.signature)) {
    return absl::StrFormat("signature: \"%s\", wanted 32 hexadecimal digits",
                           ForMessage(failure.signature));
  }
  if (!IsHash(failure.trace_hash)) {
    return absl::StrFormat("trace_hash: \"%s\", wanted 32 hexadecimal digits",
                           ForMessage(failure.trace_hash));
  }
  const absl::StatusOr<std::string> encoded = EncodeFailure(failure);
  return encoded.ok() ? "" : Words(encoded.status());
}

}  // namespace

absl::Status CheckFailure(const Failure& failure) {
  const std::string words = WhyNot(failure);
  if (words.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat("failure %s: %s", FailureId(failure), words));
}

}  // namespace shootdown
