// What `shootdown scenarios --check` says: for people, as JSON, and as the table of corpus/README.md.
#ifndef SHOOTDOWN_FUZZ_CLI_CATALOGUE_TABLE_H_
#define SHOOTDOWN_FUZZ_CLI_CATALOGUE_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/process/catalogue_check.h"

namespace shootdown {

// Scenarios, and parallel to them how their searches went.
struct CheckedCatalogue {
  std::vector<LoadedScenario> scenarios;
  std::vector<ScenarioOutcome> outcomes;
  CatalogueRequest request;
  // An interrupt cut the rest short: so many scenarios are left out.
  bool interrupted = false;
  std::size_t left_out_count = 0;

  [[nodiscard]] std::size_t DifferCount() const;  // not as expected
};

// A table, a sentence on each scenario that is not as expected or that has operations that no run did,
// and one on all.
[[nodiscard]] std::string CatalogueText(const CheckedCatalogue& checked);
[[nodiscard]] Json CatalogueJson(const CheckedCatalogue& checked);
// The table, and the notes on decision counts.
[[nodiscard]] std::string CatalogueMarkdown(const CheckedCatalogue& checked);

// `text` with `table` between its two marker lines; `file` is for messages. INVALID_ARGUMENT if they
// are not there, once each and in order.
[[nodiscard]] absl::StatusOr<std::string> WithCatalogueTable(std::string_view text,
                                                             std::string_view table,
                                                             std::string_view file);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_CATALOGUE_TABLE_H_
