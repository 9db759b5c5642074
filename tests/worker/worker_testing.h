// What the tests of the worker share: leases of scenarios in corpus/, and an engine that runs them.
#ifndef SHOOTDOWN_TESTS_WORKER_WORKER_TESTING_H_
#define SHOOTDOWN_TESTS_WORKER_WORKER_TESTING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shootdown/v1/work.pb.h"
#include "worker/engine_process.h"
#include "worker/harvest.h"

namespace shootdown::testing {

// The canonical text of corpus/<name>.textproto.
[[nodiscard]] std::string CorpusText(std::string_view name);

[[nodiscard]] v1::Lease LeaseOf(std::string_view id, std::string_view scenario_text);
[[nodiscard]] v1::Lease FuzzLease(std::string_view id, std::string_view scenario,
                                  std::uint64_t run_count, std::uint64_t seed = 1);

// `shootdown-worker` as it was built.
[[nodiscard]] EngineProcess::Options EngineOptions();

// All that a lease brings. The test fails if it takes more than a minute.
[[nodiscard]] Harvest RunLease(EngineProcess& engine, const v1::Lease& lease,
                               const std::vector<std::uint32_t>& known = {});
// Adds to `harvest` until there is a result.
void Collect(EngineProcess& engine, Harvest& harvest);
// Waits until the lease has made runs.
void AwaitRuns(EngineProcess& engine, Harvest& harvest);

// Everything of a harvest but how long it took, as bytes.
[[nodiscard]] std::string Bytes(const Harvest& harvest);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_WORKER_WORKER_TESTING_H_
