// The family `failures` of a store: one record an id, the better one of all that were put.
#ifndef SHOOTDOWN_FUZZ_STORE_STORE_FAILURES_H_
#define SHOOTDOWN_FUZZ_STORE_STORE_FAILURES_H_

#include <rocksdb/write_batch.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/corpus/failure.h"
#include "fuzz/store/store_database.h"

namespace shootdown {

// Puts what is better than what is there. REQUIRES: called within database.Update().
[[nodiscard]] absl::Status AddFailures(const StoreDatabase& database,
                                       std::span<const Failure> failures,
                                       rocksdb::WriteBatch& batch);

// As Store::GetFailure.
[[nodiscard]] absl::StatusOr<Failure> FindFailure(const StoreDatabase& database,
                                                  std::string_view id_or_prefix);

// As Store::VisitFailures.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> VisitFailures(
    const StoreDatabase& database, const Store::FailureVisitor& visit);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STORE_STORE_FAILURES_H_
