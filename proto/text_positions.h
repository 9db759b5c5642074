// Where each value of a protobuf text stands: line and column of every element of every field.
//
// protobuf's own ParseInfoTree keeps one place for a whole list (`op: ["a", "b"]`), so it cannot
// say which element is wrong. This one walks the tokens and keeps one place for each.
#ifndef SHOOTDOWN_PROTO_TEXT_POSITIONS_H_
#define SHOOTDOWN_PROTO_TEXT_POSITIONS_H_

#include <compare>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace shootdown {

// Both count from 1. A column is a byte, except that a tab goes on to the next multiple of 8, as in
// protobuf's own errors. 0:0 is a place that is not known.
struct TextPosition {
  int line = 0;
  int column = 0;
  friend auto operator<=>(const TextPosition&, const TextPosition&) = default;
};

// Where the last token `word` begins that stands before `position`, or `position` if none does.
[[nodiscard]] TextPosition LastWordBefore(std::string_view text, std::string_view word,
                                          TextPosition position);

// The fields of one message, by name.
class TextPositions {
 public:
  // One element: a scalar's place is where its value begins; a message's, where its field's name
  // stands (in a list: its opening bracket).
  struct Element;

  // The places in `text`. REQUIRES: protobuf's TextFormat parser has accepted `text`.
  [[nodiscard]] static TextPositions Of(std::string_view text);

  // Element number `index` of field `name`, or 0:0 if there is none.
  [[nodiscard]] TextPosition At(std::string_view name, std::size_t index = 0) const;
  // The fields inside message number `index` of field `name`; no fields if there is none.
  [[nodiscard]] const TextPositions& In(std::string_view name, std::size_t index = 0) const;

 private:
  friend class TextWalker;
  std::map<std::string, std::vector<Element>, std::less<>> fields_;
};

struct TextPositions::Element {
  TextPosition position;
  TextPositions inside;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_TEXT_POSITIONS_H_
