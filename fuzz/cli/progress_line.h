// One line on a terminal, rewritten in place, some times a second; nothing in a pipe.
#ifndef SHOOTDOWN_FUZZ_CLI_PROGRESS_LINE_H_
#define SHOOTDOWN_FUZZ_CLI_PROGRESS_LINE_H_

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "fuzz/cli/terminal.h"
#include "fuzz/cli/text_wrap.h"

namespace shootdown {

class ProgressLine {
 public:
  explicit ProgressLine(bool wanted) : shown_(wanted && isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Passed over if the last one is hardly there. What does not fit is cut off: a line that wraps could not
  // be rewritten.
  void Show(const std::string& words) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now < next_) return;
    const std::size_t columns = TerminalColumns(stderr);
    std::fprintf(stderr, "\r\033[K%s", columns == 0 ? words.c_str() : CutOff(words, columns - 1).c_str());
    dirty_ = true;
    next_ = now + std::chrono::milliseconds(100);
  }
  void Clear() {
    if (dirty_) std::fprintf(stderr, "\r\033[K");
    dirty_ = false;
  }

 private:
  bool shown_;
  bool dirty_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_PROGRESS_LINE_H_
