#include "fuzz/process/fork_child.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_format.h"

namespace shootdown {

absl::StatusOr<pid_t> ForkChild() {
  const pid_t parent = getpid();
  std::fflush(nullptr);  // else the child would write it a second time
  const pid_t pid = fork();
  if (pid < 0) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("cannot start a process: %s", std::strerror(errno)));
  }
  if (pid != 0) return pid;
  // In this order: a parent that dies between the two is noticed by the second.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  return 0;
}

}  // namespace shootdown
