// Which text people may put into a file of ours.
#ifndef SHOOTDOWN_PROTO_PRINTABLE_H_
#define SHOOTDOWN_PROTO_PRINTABLE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace shootdown {

enum class LineBreaks { kNo, kYes };

// A place in a text that is not printable UTF-8, and what stands there, for people.
struct Unprintable {
  std::size_t offset = 0;
  std::string what;  // `byte 0xff, which is not UTF-8`, `control character U+0007`
};

// The first such place, if any. Not printable: what is no UTF-8 (overlong forms and surrogates
// among it), control characters, line separators, marks that turn the direction of writing (they
// make a file read differently from what it says), and noncharacters. kYes also allows \t \n \r.
[[nodiscard]] std::optional<Unprintable> FindUnprintable(std::string_view text,
                                                         LineBreaks line_breaks);

[[nodiscard]] bool IsUtf8(std::string_view text);

// `text` as a one-line message may show it: at most 80 bytes and then `...`, whole characters only,
// and a question mark for each byte that is not printable.
[[nodiscard]] std::string ForMessage(std::string_view text);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_PRINTABLE_H_
