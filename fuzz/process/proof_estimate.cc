#include "fuzz/process/proof_estimate.h"

#include <cmath>

namespace shootdown {
namespace {

// Too few to know a share by.
constexpr std::uint64_t kRunCountMin = 64;
// Above, the whole is so many times what is known of that a small mistake in the share makes it
// anything.
constexpr double kShareMax = 0.95;

}  // namespace

void ProofEstimate::Add(std::uint64_t run_count, std::uint64_t branch_count) {
  // The search has begun anew.
  if (!moments_.empty() && run_count < moments_.back().run_count) moments_.clear();
  // Every fiftieth of the runs is often enough: at most some 70 are kept.
  const bool close =
      moments_.size() > 1 && run_count - moments_[moments_.size() - 2].run_count < run_count / 50;
  if (close) moments_.pop_back();
  moments_.push_back({run_count, branch_count});
  while (moments_.size() > 1 && moments_[1].run_count <= run_count / 4 * 3) moments_.pop_front();
}

std::optional<std::uint64_t> ProofEstimate::WholeRunCount() const {
  if (moments_.empty()) return std::nullopt;
  const Moment& first = moments_.front();
  const Moment& now = moments_.back();
  const std::uint64_t made = now.run_count - first.run_count;
  if (made < kRunCountMin) return std::nullopt;
  const double more =
      static_cast<double>(now.branch_count) - static_cast<double>(first.branch_count);
  const double share = 1 + more / static_cast<double>(made);
  if (share > kShareMax) return std::nullopt;
  const double to_come = static_cast<double>(now.branch_count) / (1 - std::fmax(share, 0.0));
  return now.run_count + static_cast<std::uint64_t>(std::llround(to_come));
}

}  // namespace shootdown
