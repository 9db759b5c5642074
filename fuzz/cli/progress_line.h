// One line on a terminal, rewritten in place; nothing in a pipe.
#ifndef SHOOTDOWN_FUZZ_CLI_PROGRESS_LINE_H_
#define SHOOTDOWN_FUZZ_CLI_PROGRESS_LINE_H_

#include <unistd.h>

#include <cstdio>
#include <string>

namespace shootdown {

class ProgressLine {
 public:
  explicit ProgressLine(bool wanted) : shown_(wanted && isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(const std::string& words) {
    if (!shown_) return;
    std::fprintf(stderr, "\r\033[K%s", words.c_str());
    dirty_ = true;
  }
  void Clear() {
    if (dirty_) std::fprintf(stderr, "\r\033[K");
    dirty_ = false;
  }

 private:
  bool shown_;
  bool dirty_ = false;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_PROGRESS_LINE_H_
