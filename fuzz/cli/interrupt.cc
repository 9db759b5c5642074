#include "fuzz/cli/interrupt.h"

#include <csignal>

namespace shootdown {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

void NoticeInterrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool Interrupted() { return interrupted != 0; }

}  // namespace shootdown
