// What engines bring in, and the names that it has on the wire.
#ifndef SHOOTDOWN_WORKER_HARVEST_H_
#define SHOOTDOWN_WORKER_HARVEST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/base/content_hash.h"
#include "shootdown/v1/work.pb.h"

namespace shootdown {

struct Harvest {
  std::vector<v1::FoundFailure> findings;
  std::vector<v1::Input> inputs;
  // At most one lease ends at a time.
  std::optional<v1::LeaseResult> result;

  [[nodiscard]] bool empty() const {
    return findings.empty() && inputs.empty() && !result.has_value();
  }
};

// Offer.hash, of an encoded Input or FoundFailure.
[[nodiscard]] inline std::string ContentHash(std::string_view encoded) {
  return ToHex(HashBytes(encoded));
}

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_HARVEST_H_
