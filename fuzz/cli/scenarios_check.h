// `shootdown scenarios --check`: runs the catalogue against what it expects.
#ifndef SHOOTDOWN_FUZZ_CLI_SCENARIOS_CHECK_H_
#define SHOOTDOWN_FUZZ_CLI_SCENARIOS_CHECK_H_

#include <string>
#include <vector>

#include "fuzz/process/catalogue_check.h"

namespace shootdown {

struct ScenariosCheckFlags {
  std::vector<std::string> scenarios;  // names or files; none: the whole corpus
  CatalogueRequest request;
  std::string markdown;  // a file to write the table into, or empty
  bool json = false;
};

// Returns the exit status: kExitDone if every verdict is as expected, else kExitFinding.
int CheckScenarios(const ScenariosCheckFlags& flags);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_SCENARIOS_CHECK_H_
