// Operations that no run has done. A scenario that is clean says nothing of those: one task sleeps, say, and nobody
// wakes it.
#ifndef SHOOTDOWN_FUZZ_SCENARIO_UNDONE_H_
#define SHOOTDOWN_FUZZ_SCENARIO_UNDONE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/scenario/scenario.h"

namespace shootdown {

// Of one task: no run has done its operation `first`, nor any of those after it.
struct Undone {
  std::size_t task = 0;
  std::size_t first = 0;
  bool begun = false;  // some run has begun it
  // It is a kernel thread's service, which waits for more as long as anybody may want it.
  bool serves = false;
  friend bool operator==(const Undone&, const Undone&) = default;
};

// Ascending by task; those are left out of which some run has done all. `reached`: kernel::Kernel::reached()
// of the scenario, after the runs.
[[nodiscard]] std::vector<Undone> FindUndone(const Scenario& scenario,
                                             std::span<const std::uint32_t> reached);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SCENARIO_UNDONE_H_
