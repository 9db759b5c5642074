#include "fuzz/cli/scenario_size.h"

#include "absl/strings/str_format.h"
#include "fuzz/cli/counted.h"

namespace shootdown {
std::string SizeText(const Scenario& scenario, const Scenario& found) {
  const std::size_t operations = OperationCount(scenario);
  std::string text =
      Counted(scenario.tasks.size(), "task") + ", " + Counted(operations, "operation");
  if (scenario.tasks.size() == found.tasks.size() && operations == OperationCount(found)) return text;
  return text + absl::StrFormat(" (of %s, %d)", Counted(found.tasks.size(), "task"),
                                OperationCount(found));
}

}  // namespace shootdown
