// The engine host: a process with one thread, which runs one lease at a time in a child of its own.
// `shootdown-worker engine` is it; the worker starts one for each job, since a program with threads
// (gRPC, RocksDB) must not fork.
#ifndef SHOOTDOWN_WORKER_ENGINE_HOST_H_
#define SHOOTDOWN_WORKER_ENGINE_HOST_H_

#include "fuzz/process/child_process.h"

namespace shootdown {

// Takes frames (worker/frames.h) from `in` and answers on `out`, until `in` ends. Returns the exit
// status of the process.
[[nodiscard]] int RunEngineHost(int in, int out, const ChildLimits& limits);

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_ENGINE_HOST_H_
