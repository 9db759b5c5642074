// The inputs of one scenario in a store: what its searches leave there, and what a later one starts
// from.
#ifndef SHOOTDOWN_FUZZ_CLI_KEPT_INPUTS_H_
#define SHOOTDOWN_FUZZ_CLI_KEPT_INPUTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/engine/features.h"
#include "fuzz/process/search_job.h"
#include "fuzz/sim/subject.h"
#include "fuzz/store/store.h"

namespace shootdown {

class KeptInputs {
 public:
  KeptInputs(Store& store, std::string_view scenario_text);

  // What the store knows of the scenario.
  struct Start {
    std::vector<Schedule> seeds;          // each does something that those before it do not
    std::vector<std::uint32_t> features;  // what all inputs in the store do
    std::size_t input_count = 0;          // in the store, seeds and others
    std::vector<std::string> damaged;     // one line each
  };
  // Runs all of the scenario's inputs. Those that add nothing to the others are deleted, unless a
  // coordinator owns the store: it counts on every input that it has written. What is added
  // afterwards must be new.
  [[nodiscard]] absl::StatusOr<Start> Resume(sim::Subject& subject);

  // Keeps an input that does something which none so far did: several searches side by side all
  // find what is easy. It is on disk after the next Write(), or once there are many.
  [[nodiscard]] absl::Status Add(const NewInput& input);
  [[nodiscard]] absl::Status Write();

  // Of those added and kept: how many, and a hash of them all, in their order.
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const std::string& hash() const { return hash_; }

 private:
  Store& store_;
  std::string scenario_key_;
  FeatureSet seen_;
  std::vector<std::vector<std::uint8_t>> unwritten_;
  std::size_t count_ = 0;
  std::string hash_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_KEPT_INPUTS_H_
