// One of several processes that search together. All of them know the same, and each makes its share of the next
// runs; then they tell each other. All do the same but for that, and so come to the same.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_SHARE_H_
#define SHOOTDOWN_FUZZ_EXPLORE_SHARE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace shootdown::explore {

struct Share {
  std::uint32_t job = 0;  // below job_count
  std::uint32_t job_count = 1;
  // What this job did since the last time, in exchange for what each did, by job. False: the search
  // ends, unfinished; it does so for all of them. Called only if there are several.
  std::function<bool(const std::string& own, std::vector<std::string>& all)> exchange = nullptr;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_SHARE_H_
