// Where things are: scenarios by name or file, failures by id or file, the default store.
#ifndef SHOOTDOWN_FUZZ_CLI_LOCATE_H_
#define SHOOTDOWN_FUZZ_CLI_LOCATE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzz/corpus/failure.h"
#include "fuzz/process/loaded_scenario.h"
#include "fuzz/store/store.h"

namespace shootdown {

// The folder that this program is in, and our others beside it.
[[nodiscard]] std::string ProgramFolder();

// The folder of scenario files: $SHOOTDOWN_CORPUS, or beside the program as installed or built.
[[nodiscard]] absl::StatusOr<std::string> CorpusFolder();

// Every scenario of the corpus, by name in natural order.
[[nodiscard]] absl::StatusOr<std::vector<LoadedScenario>> LoadCorpus();

// A file if `name` has a slash or ends as files of scenarios do; else the corpus's scenario of that
// name, and if there is none a file after all.
[[nodiscard]] absl::StatusOr<LoadedScenario> LoadScenario(const std::string& name);
// All of them, in that order. Each is built once and thrown away, so that a typing mistake in the last
// costs no search of the first. INVALID_ARGUMENT if two are one and the same: a second search of it
// would only find what the first did.
[[nodiscard]] absl::StatusOr<std::vector<LoadedScenario>> LoadScenarios(
    const std::vector<std::string>& names);
// What a failure is replayed on, and what it was found on: minimizing may have made it less.
[[nodiscard]] absl::StatusOr<LoadedScenario> ParseStoredScenario(const Failure& failure);
[[nodiscard]] absl::StatusOr<Scenario> ParseFoundScenario(const Failure& failure);

// A failure as it is to be run again.
struct StoredRun {
  Failure failure;
  LoadedScenario loaded;
  Scenario found;
  std::unique_ptr<Simulation> simulation;  // of `loaded`
};
// `name` and `store` as for LoadFailure.
[[nodiscard]] absl::StatusOr<StoredRun> LoadStoredRun(const std::string& name, const std::string& store);

// `given`, or $SHOOTDOWN_STORE, or the user's data folder.
[[nodiscard]] std::string StorePath(const std::string& given);
// ` --store DIR`, for a command that the user may copy into a shell; nothing if none was given.
[[nodiscard]] std::string StoreFlag(const std::string& given);

// A file if one of that name exists, else a failure of the store, by id or unique prefix.
[[nodiscard]] absl::StatusOr<Failure> LoadFailure(const std::string& name,
                                                  const std::string& store);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_LOCATE_H_
