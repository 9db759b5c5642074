// What libFuzzer calls: one input, our mutator, our crossover; and the block of counters through
// which it hears what is new.
//
// Features are counted by FeatureSet, which is large and ours. Only news is passed on: each run with
// new features sets one counter that libFuzzer has not seen set to that value, so it keeps the input;
// all other runs set none, and cost it next to nothing.
//
// Source: LLVM 19 compiler-rt/lib/fuzzer (FuzzerInterface.h, __libfuzzer_extra_counters).
#ifndef SHOOTDOWN_FUZZ_ENGINE_LIBFUZZER_HOOKS_H_
#define SHOOTDOWN_FUZZ_ENGINE_LIBFUZZER_HOOKS_H_

#include <cstddef>
#include <cstdint>

#include "fuzz/engine/search.h"

namespace shootdown {

// The target and the listener that the hooks serve. Both outlive libFuzzer's run. libFuzzer keeps the
// inputs of the first `kept_run_count` runs even if they did nothing new: they are what to start from.
// Some runs are those of `sampler`, unless that is null (fuzz/engine/sampler_share.h says how many): such a
// run is no mutation, and no input makes it again, so who wants libFuzzer's files to reproduce has no sampler.
void SetLibFuzzerTarget(Target* target, const SearchListener* listener,
                        sim::Scheduler* sampler = nullptr, std::uint64_t kept_run_count = 0);

// LLVMFuzzerTestOneInput.
int RunLibFuzzerInput(const std::uint8_t* data, std::size_t size);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_LIBFUZZER_HOOKS_H_
