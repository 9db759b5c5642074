// Any bytes as a scenario file: a scenario that prints and reads back the same, or one line that
// says where it is wrong.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/base/check.h"
#include "proto/scenario_text.h"

namespace shootdown {
namespace {

void CheckError(const absl::Status& status) {
  const std::string message(status.message());
  SHOOTDOWN_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  SHOOTDOWN_CHECK(message.starts_with("file:"));
  SHOOTDOWN_CHECK(message.find('\n') == std::string::npos);
  SHOOTDOWN_CHECK(message.size() < 1000);
}

void CheckPlaces(const Scenario& scenario, const ScenarioLocations& places) {
  SHOOTDOWN_CHECK(places.version.size() == scenario.version.size());
  SHOOTDOWN_CHECK(places.tasks.size() == scenario.tasks.size());
  SHOOTDOWN_CHECK(places.checks_on.size() == scenario.checks_on.size());
  SHOOTDOWN_CHECK(places.checks_off.size() == scenario.checks_off.size());
  SHOOTDOWN_CHECK(places.expected.line > 0);
  for (const TextPosition& place : places.version) SHOOTDOWN_CHECK(place.line > 0);
  for (std::size_t i = 0; i < scenario.tasks.size(); ++i) {
    SHOOTDOWN_CHECK(places.tasks[i].task.line > 0);
    SHOOTDOWN_CHECK(places.tasks[i].setup.size() == scenario.tasks[i].setup.size());
    SHOOTDOWN_CHECK(places.tasks[i].ops.size() == scenario.tasks[i].ops.size());
    for (const TextPosition& place : places.tasks[i].ops) SHOOTDOWN_CHECK(place.line > 0);
  }
}

void Test(std::string_view text) {
  ScenarioLocations places;
  const auto parsed = ParseScenario(text, "file", &places);
  if (!parsed.ok()) {
    CheckError(parsed.status());
    return;
  }
  CheckPlaces(*parsed, places);
  const std::string printed = PrintScenario(*parsed);
  const auto again = ParseScenario(printed, "file");
  SHOOTDOWN_CHECK(again.ok());
  SHOOTDOWN_CHECK(*again == *parsed);
  SHOOTDOWN_CHECK(PrintScenario(*again) == printed);
}

}  // namespace
}  // namespace shootdown

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  shootdown::Test({reinterpret_cast<const char*>(data), size});
  return 0;
}
