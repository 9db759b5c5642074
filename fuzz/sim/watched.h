// Whether this program's guest code tells of each of its accesses to memory (fuzz/explore/memory_watch.h).
#ifndef SHOOTDOWN_FUZZ_SIM_WATCHED_H_
#define SHOOTDOWN_FUZZ_SIM_WATCHED_H_

namespace shootdown::sim {

// The code of the machine does, and so does all that is built like it (shootdown_watched_guest).
[[nodiscard]] bool GuestCodeIsWatched();

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_WATCHED_H_
