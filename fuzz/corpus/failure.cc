#include "fuzz/corpus/failure.h"

#include <string>
#include <tuple>

#include "fuzz/base/content_hash.h"

namespace shootdown {

const char* MinimalityName(Minimality minimality) {
  switch (minimality) {
    case Minimality::kUnknown: return "";
    case Minimality::kOneMinimal: return "1-minimal";
    case Minimality::kMinimum: return "minimum, proven";
  }
  return "";
}

const std::string& FoundScenarioText(const Failure& failure) {
  return failure.found_scenario_text.empty() ? failure.scenario_text : failure.found_scenario_text;
}

std::string FailureId(const Failure& failure) {
  const std::string bytes = FoundScenarioText(failure) + '\0' + failure.found_schedule_text;
  return ToHex(HashBytes(bytes)).substr(0, 16);
}

const Failure& Better(const Failure& a, const Failure& b) {
  const auto rank = [](const Failure& f) {
    return std::make_tuple(!f.minimized, f.anchors.size(), f.minimality != Minimality::kMinimum,
                           f.minimality != Minimality::kOneMinimal, f.scenario_text.size(),
                           std::cref(f.scenario_text), f.schedule_text.size(),
                           std::cref(f.schedule_text), std::cref(f.trace_hash), f.found_at_run,
                           f.seed, f.minimality_runs);
  };
  return rank(b) < rank(a) ? b : a;
}

}  // namespace shootdown
