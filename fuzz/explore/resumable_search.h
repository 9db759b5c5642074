// A search that can be put down as bytes and taken up again by another process, and that several processes can
// make together: what a proof that takes hours needs of it (fuzz/cli/scenario_proof.h).
#ifndef SHOOTDOWN_FUZZ_EXPLORE_RESUMABLE_SEARCH_H_
#define SHOOTDOWN_FUZZ_EXPLORE_RESUMABLE_SEARCH_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/explore/reached.h"
#include "fuzz/explore/report.h"
#include "fuzz/explore/share.h"

namespace shootdown::explore {

struct ResumableOptions : Options {
  // How far runs have come. The search sets these to 0 first; when it is complete each is the most that any of
  // the schedules makes of it, whatever the share. Runs of others meanwhile count too.
  Reached reached = {};
  // REQUIRES: with several jobs, no should_stop, on_run and go_on. Limits are looked at when all have told each other,
  // so they may be passed by what all do between two of these.
  Share share = {};
};

class ResumableSearch {
 public:
  virtual ~ResumableSearch() = default;
  [[nodiscard]] virtual Report Explore() = 0;

  // So far, for a progress line: runs, and those still to be made that are known of.
  [[nodiscard]] virtual std::uint64_t run_count() const = 0;
  [[nodiscard]] virtual std::uint64_t branch_count() const = 0;

  // What an unfinished search knows, as bytes of this build's own; for a search with the same
  // subject and options, which goes on from there, with whatever share. To be called while none
  // runs, or from Options::should_stop, or from Share::exchange.
  virtual void Save(std::string& bytes) const = 0;
  // False: those bytes are none that Save made, or incomplete; then the search is not to be used. REQUIRES: it
  // has not run yet.
  [[nodiscard]] virtual bool Load(std::string_view bytes) = 0;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_RESUMABLE_SEARCH_H_
