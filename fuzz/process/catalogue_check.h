// Whether scenarios come to the verdicts that they expect, and how soon: many searches, several at a
// time, each in a process of its own.
//
// A scenario that expects a finding is searched with several seeds, each until its first finding,
// which is minimized; one that expects none is searched once. Beside that each is proved as far as a number
// of states allows.
#ifndef SHOOTDOWN_FUZZ_PROCESS_CATALOGUE_CHECK_H_
#define SHOOTDOWN_FUZZ_PROCESS_CATALOGUE_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fuzz/explore/proof.h"
#include "fuzz/process/loaded_scenario.h"

namespace shootdown {

struct CatalogueRequest {
  std::uint64_t seed_count = 20;         // seeds 1 .. seed_count; at least 1
  std::uint64_t run_count_max = 200'000;  // schedules of one search; at least 1
  std::uint64_t state_count_max = 500'000;  // of one proof (Prove); 0: no proofs
  int job_count = 1;                     // searches side by side
};

// One search.
struct SearchOutcome {
  std::string check;       // of the first finding; empty: none
  std::uint64_t runs = 0;  // with the one that found it
  std::uint64_t decisions_found = 0;
  std::uint64_t decisions = 0;  // minimized
  std::string schedule;         // minimized, as text
  double seconds = 0;           // of the search, without minimizing
  std::vector<std::uint32_t> reached;  // if nothing was found: kernel::Kernel::reached()
};

// All searches of one scenario, by seed. Its figures are those of what was expected.
struct ScenarioOutcome {
  std::vector<SearchOutcome> searches;
  std::optional<explore::Proof> proof;  // absent: none was asked for
  double proof_seconds = 0;
  std::size_t left = 0;  // searches, and a proof, that are not done

  // Every search came to `expected`, a check's name, or `clean`; and the proof says nothing else.
  [[nodiscard]] bool AsExpected(const std::string& expected) const;
  // `clean`, a check's name, or how many searches came to each: `stale_tlb_use 19, clean 1`.
  [[nodiscard]] std::string Verdict() const;
  // Of all searches, ascending; a median of an even number is the upper of the two in the middle.
  [[nodiscard]] std::uint64_t RunsMedian() const;
  [[nodiscard]] std::uint64_t RunsWorst() const;
  [[nodiscard]] double SecondsMedian() const;
  [[nodiscard]] double SecondsSum() const;
  // The search whose minimized schedule has the fewest decisions, and the most; null: none found
  // anything.
  [[nodiscard]] const SearchOutcome* Smallest() const;
  [[nodiscard]] const SearchOutcome* Largest() const;
  // How far the runs of all searches came, each number the largest; nothing if one found something.
  [[nodiscard]] std::optional<std::vector<std::uint32_t>> Reached() const;
};

struct CatalogueHandler {
  // Ten times a second, and after each search.
  std::function<void(std::size_t searches_done, std::size_t searches)> progress;
  // True: end now.
  std::function<bool()> interrupted;
};

// Fills `outcomes`, parallel to `scenarios`. INTERNAL if a search crashed, with what it last said;
// CANCELLED if interrupted: then those are whole of which nothing is left. REQUIRES: each of `scenarios`
// can be built.
[[nodiscard]] absl::Status CheckCatalogue(const std::vector<LoadedScenario>& scenarios,
                                          const CatalogueRequest& request,
                                          const CatalogueHandler& handler,
                                          std::vector<ScenarioOutcome>* outcomes);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_CATALOGUE_CHECK_H_
