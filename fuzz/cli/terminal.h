// What a terminal has room for.
#ifndef SHOOTDOWN_FUZZ_CLI_TERMINAL_H_
#define SHOOTDOWN_FUZZ_CLI_TERMINAL_H_

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdio>

namespace shootdown {

// The columns of the terminal that `file` is; 0 if it is none, or does not say. What goes to a file or a
// pipe does not depend on where it was made.
[[nodiscard]] inline std::size_t TerminalColumns(std::FILE* file) {
  winsize size = {};
  return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_TERMINAL_H_
