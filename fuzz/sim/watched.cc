#include "fuzz/sim/watched.h"

namespace shootdown::sim {

bool GuestCodeIsWatched() {
#if defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
  return __has_feature(thread_sanitizer) != 0;
#else
  return false;
#endif
}

}  // namespace shootdown::sim
