// Long lines, in pieces or cut off, and how long they are.
#ifndef SHOOTDOWN_FUZZ_CLI_TEXT_WRAP_H_
#define SHOOTDOWN_FUZZ_CLI_TEXT_WRAP_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shootdown {

// `text` in pieces of at most `width`, broken at blanks where there are some; all but the first are
// indented.
[[nodiscard]] std::vector<std::string> Wrap(const std::string& text, std::size_t width);

// The characters of UTF-8 in `text`, each of which takes a column.
[[nodiscard]] std::size_t WidthOf(std::string_view text);
// The first `width` of them at most.
[[nodiscard]] std::string CutOff(std::string_view text, std::size_t width);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_TEXT_WRAP_H_
