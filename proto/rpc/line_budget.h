// Who calls wrongly without end shall not fill the disk with lines: so many at once after a pause, so
// many a second, and the same words once a minute. A disk that is full refuses every worker several
// times a second, and the log may lie on that disk. Time is an argument.
#ifndef SHOOTDOWN_PROTO_RPC_LINE_BUDGET_H_
#define SHOOTDOWN_PROTO_RPC_LINE_BUDGET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace shootdown {

class LineBudget {
 public:
  static constexpr double kBurst = 50;
  static constexpr double kLinesPerSecond = 5;
  static constexpr absl::Duration kSameAfter = absl::Minutes(1);

  // If a line with these words may be written now: how many of the same were left out since the last
  // one, and of others of which no line will tell.
  [[nodiscard]] std::optional<std::uint64_t> Take(std::string_view words, absl::Time now);

 private:
  struct Told {
    absl::Time at;
    std::uint64_t left_out = 0;  // since then
  };

  // Forgets what was told long ago, so that no more is kept than the budget lets through meanwhile.
  void Tidy(absl::Time now);

  double tokens_ = kBurst;
  absl::Time at_ = absl::InfinitePast();
  std::map<std::string, Told, std::less<>> told_;
  std::uint64_t left_out_ = 0;  // of words that are not in `told_`
};

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_LINE_BUDGET_H_
