// A sample of behaviours (fuzz/engine/behaviours.h) that many machines draw without asking each
// other: of all behaviours that came up, those with the least hashes, and how often each did.
//
// A hash says nothing of how often its behaviour comes up, so the sample is fair among behaviours.
// Who draws a part of the runs keeps of each behaviour in the sample of all runs every time that it
// came up in his part. So samples of parts join to the very sample of the whole, in any order.
// Source: Cohen: Size-Estimation Framework with Applications to Transitive Closure and
// Reachability, Journal of Computer and System Sciences 55, 1997 (bottom-k sketches).
#ifndef SHOOTDOWN_FUZZ_CORPUS_BEHAVIOUR_SAMPLE_H_
#define SHOOTDOWN_FUZZ_CORPUS_BEHAVIOUR_SAMPLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace shootdown {

// How many behaviours came up, and of those, once and twice.
struct BehaviourCounts {
  double all = 0;
  double once = 0;
  double twice = 0;
  // Of `once`, since it is taken from a sample; 0 if it was counted.
  double once_variance = 0;

  BehaviourCounts& operator+=(const BehaviourCounts& more);
};

// How likely one more run of the same kind is to behave as none before: Good and Turing's estimate,
// the share of runs whose behaviour came up once only, with a 95 % interval of Esty's variance,
// wider if the counts are those of a sample. Where no behaviour came up once, or each did, that
// variance is 0, however few the runs; so its binomial part is taken at the chance that is asked
// about, not at the estimate, as Wilson does: after n runs without one the interval ends at about
// 3.84 / n. Where behaviours did come up once that part is less below the estimate than at it; but there
// may be no others left, which Wilson's chance never says. So the interval does not begin above where Esty's
// does. Source: Good: The Population Frequencies of Species and the Estimation of Population
// Parameters, Biometrika 40, 1953; Esty: A Normal Limit Law for a Nonparametric Estimator of the
// Coverage of a Random Sample, Annals of Statistics 11, 1983; Wilson: Probable Inference, the Law
// of Succession, and Statistical Inference, Journal of the American Statistical Association 22,
// 1927. All are about draws that do not depend on each other. A search that learns is none: what it
// says is a hint when to stop, not a proof.
struct NewBehaviour {
  double per_run = 1;
  double low = 0;
  double high = 1;
};
[[nodiscard]] NewBehaviour EstimateNewBehaviour(std::uint64_t runs, const BehaviourCounts& counts);

class BehaviourSample {
 public:
  // The number of behaviours is known to 4.4 % then (one standard deviation).
  static constexpr std::size_t kSizeMax = 512;
  // The lowest two bits of an entry say how often: 1, 2, or 3 for more. The others are the hash.
  static constexpr std::uint64_t kTimesMask = 3;

  // `entry` came up so often more.
  void Add(std::uint64_t entry) {
    if (size_ == kSizeMax && (entry | kTimesMask) > (entries_[kSizeMax - 1] | kTimesMask)) return;
    Insert(entry);
  }
  // Of other runs.
  void Add(std::span<const std::uint64_t> entries) {
    for (const std::uint64_t entry : entries) Add(entry);
  }

  // Ascending.
  [[nodiscard]] std::span<const std::uint64_t> entries() const { return {entries_.data(), size_}; }
  // Counted while the sample has room for all, then estimated.
  [[nodiscard]] BehaviourCounts Counts() const;

 private:
  void Insert(std::uint64_t entry);

  std::array<std::uint64_t, kSizeMax> entries_ = {};
  std::size_t size_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CORPUS_BEHAVIOUR_SAMPLE_H_
