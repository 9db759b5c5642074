// How many runs a proof will take in all, as far as it can be told from how it goes on.
//
// A run ends where all is known, and on its way may meet what is not: runs that are still to be
// made. As long as each shows one more on the mean, or more, no end is in sight. Later each shows
// only a share of one, and that one again: so of those that are known of comes a whole of
// 1 + share + share^2 + ... times as many (the total progeny of a branching process; Harris, The
// Theory of Branching Processes, 1963, chapter I). The share is that of the last quarter of the
// runs. As more gets known it falls, so what is said is mostly too much.
//
// Measured with `shootdown verify` of seed-lost-bit-fixed, 7.12 and 7.22-...-fixed: nothing is said
// before a quarter to a half of the runs; then it is 1.0 to 2.6 times the truth, and from nine
// tenths on at most 1.2 times.
#ifndef SHOOTDOWN_FUZZ_PROCESS_PROOF_ESTIMATE_H_
#define SHOOTDOWN_FUZZ_PROCESS_PROOF_ESTIMATE_H_

#include <cstdint>
#include <deque>
#include <optional>

namespace shootdown {

class ProofEstimate {
 public:
  // So many runs were made, and of so many more it is known that they will be. To be called often.
  void Add(std::uint64_t run_count, std::uint64_t branch_count);

  // All runs, those that were made included. Nullopt: no end is in sight.
  [[nodiscard]] std::optional<std::uint64_t> WholeRunCount() const;

 private:
  struct Moment {
    std::uint64_t run_count = 0;
    std::uint64_t branch_count = 0;
  };
  // The last one, and earlier ones back to the first quarter of the runs, some percent apart.
  std::deque<Moment> moments_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_PROOF_ESTIMATE_H_
