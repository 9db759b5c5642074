// The family `corpus` of a store: schedules worth starting from, by scenario.
#ifndef SHOOTDOWN_FUZZ_STORE_STORE_CORPUS_H_
#define SHOOTDOWN_FUZZ_STORE_STORE_CORPUS_H_

#include <rocksdb/write_batch.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/store/store_database.h"

namespace shootdown {

// INVALID_ARGUMENT if it is none.
[[nodiscard]] absl::Status CheckScenarioKey(const StoreDatabase& database, std::string_view key);

// Puts what is not there. REQUIRES: called within database.Update().
[[nodiscard]] absl::Status AddInputs(const StoreDatabase& database,
                                     std::span<const StoreBatch::Input> inputs,
                                     rocksdb::WriteBatch& batch);

// As the functions of Store.
[[nodiscard]] absl::StatusOr<Store::InputList> ListInputs(const StoreDatabase& database,
                                                          std::string_view scenario_key);
[[nodiscard]] absl::StatusOr<std::vector<std::string>> ListScenarioKeys(
    const StoreDatabase& database);
[[nodiscard]] absl::StatusOr<bool> HasInput(const StoreDatabase& database,
                                            std::string_view scenario_key,
                                            std::string_view input_hash);
[[nodiscard]] absl::StatusOr<Store::Compacted> CompactCorpus(StoreDatabase& database,
                                                             const Store::KeepInput& keep,
                                                             Store::DryRun dry_run);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STORE_STORE_CORPUS_H_
