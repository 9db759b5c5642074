// What a worker's engines can run, as one word: SyncRequest.model_version.
#ifndef SHOOTDOWN_WORKER_MODEL_VERSION_H_
#define SHOOTDOWN_WORKER_MODEL_VERSION_H_

#include <string>

namespace shootdown {

// `<version>-<16 hexadecimal digits>`: the project's version, and a hash over how some hundred runs of
// two built-in scenarios went, made by our mutator and written down step by step. So two builds that
// differ in anything that those runs show have different versions, and equal builds have equal ones, on
// every host. A build that differs only elsewhere is not told apart by this; audits are (the
// coordinator has some leases run twice).
// REQUIRES: no Simulation lives in this process.
[[nodiscard]] std::string ModelVersion();

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_MODEL_VERSION_H_
