// Any bytes as a schedule's binary form, and as its text form.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fuzz/base/check.h"
#include "fuzz/schedule/schedule.h"

namespace shootdown {
namespace {

void CheckForms(const Schedule& schedule) {
  const Schedule canonical = schedule.Canonical();
  SHOOTDOWN_CHECK(canonical.Canonical() == canonical);
  SHOOTDOWN_CHECK(Schedule::Decode(canonical.Encode()) == canonical);
  const auto parsed = Schedule::Parse(canonical.ToText());
  SHOOTDOWN_CHECK(parsed.ok());
  SHOOTDOWN_CHECK(parsed->Canonical() == canonical);
  SHOOTDOWN_CHECK(parsed->ToText() == canonical.ToText());
}

void Test(std::span<const std::uint8_t> bytes) {
  CheckForms(Schedule::Decode(bytes));

  const auto parsed =
      Schedule::Parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  if (parsed.ok()) {
    CheckForms(*parsed);
    return;
  }
  SHOOTDOWN_CHECK(parsed.status().code() == absl::StatusCode::kInvalidArgument);
  SHOOTDOWN_CHECK(parsed.status().message().find('\n') == std::string::npos);
  SHOOTDOWN_CHECK(parsed.status().message().size() < 1000);
}

}  // namespace
}  // namespace shootdown

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  shootdown::Test({data, size});
  return 0;
}
