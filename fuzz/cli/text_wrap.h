// Long lines, in pieces.
#ifndef SHOOTDOWN_FUZZ_CLI_TEXT_WRAP_H_
#define SHOOTDOWN_FUZZ_CLI_TEXT_WRAP_H_

#include <string>
#include <vector>

namespace shootdown {

// `text` in pieces of at most `width`, broken at blanks where there are some; all but the first are
// indented.
[[nodiscard]] std::vector<std::string> Wrap(const std::string& text, std::size_t width);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_TEXT_WRAP_H_
