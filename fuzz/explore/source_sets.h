// Source sets (Abdulla, Aronis, Jonsson, Sagonas, "Optimal dynamic partial order reduction", POPL 2014): whom
// to try before a step, so that the other order of a race is met.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_SOURCE_SETS_H_
#define SHOOTDOWN_FUZZ_EXPLORE_SOURCE_SETS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "fuzz/explore/process_scheduler.h"

namespace shootdown::explore {

// Frame `first`'s step is in a race with the next step of `p`, before which come the frames below `end`. Who
// could begin what leads to the other order: those processes whose first step behind `first`, but for steps
// that depend on it, needs none of the others' before it.
//
// `Run` has ProcessOf(frame), HappensBefore(frame, frame), and KnownBefore(frame): that it happens before the
// step of `p`.
template <class Run>
[[gnu::always_inline]] inline ProcessSet InitialsAfter(const Run& run, std::int32_t first,
                                                       std::int32_t end, Process p) {
  ProcessSet initials = 0;
  ProcessSet seen = 0;
  std::array<std::int32_t, kProcessCountMax> firsts;
  std::size_t first_count = 0;
  for (std::int32_t j = first + 1; j < end; ++j) {
    const Process q = run.ProcessOf(j);
    if ((seen & Bit(q)) != 0 || run.HappensBefore(first, j)) continue;
    seen |= Bit(q);
    bool initial = true;
    for (std::size_t k = 0; k < first_count && initial; ++k) {
      initial = !run.HappensBefore(firsts[k], j);
    }
    if (initial) initials |= Bit(q);
    firsts[first_count++] = j;
  }
  if ((seen & Bit(p)) == 0) {
    bool initial = true;
    for (std::size_t k = 0; k < first_count && initial; ++k) initial = !run.KnownBefore(firsts[k]);
    if (initial) initials |= Bit(p);
  }
  return initials;
}

// Those of `enabled` that have to be tried as well, if one of `initials` is to begin: none if one does already.
// `p` rather than another.
[[nodiscard]] constexpr ProcessSet ToBeTried(ProcessSet initials, ProcessSet enabled,
                                             ProcessSet tried, Process p) {
  if ((initials & tried) != 0) return 0;
  initials &= enabled;
  if (initials == 0) return enabled;  // rather too much than too little
  return (initials & Bit(p)) != 0 ? Bit(p) : Bit(Lowest(initials));
}

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_SOURCE_SETS_H_
