// Preloaded into a program (LD_PRELOAD), this sets its wall clock: by as many seconds as stand in
// the file SHOOTDOWN_TEST_CLOCK, a number of 8 bytes that may change at any time. Other clocks stay
// as they are.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const volatile std::int64_t* MapSeconds() {
  static constexpr std::int64_t kNone = 0;
  const char* const path = std::getenv("SHOOTDOWN_TEST_CLOCK");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return &kNone;
  void* const mapped = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return mapped == MAP_FAILED ? &kNone : static_cast<const std::int64_t*>(mapped);
}

}  // namespace

// Of the C library, so of its kind in linkage and in name.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const volatile std::int64_t* const seconds = MapSeconds();
  const auto result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += *seconds;
  return static_cast<int>(result);
}
