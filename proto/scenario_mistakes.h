// What is wrong with a scenario: of all mistakes, the topmost of its text; and what a word in one
// may look like.
#ifndef SHOOTDOWN_PROTO_SCENARIO_MISTAKES_H_
#define SHOOTDOWN_PROTO_SCENARIO_MISTAKES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proto/text_positions.h"

namespace shootdown {

// Which characters, and how many; `wanted` says so to people.
struct WordRule {
  std::string_view characters;
  std::size_t bytes_max;
  std::string_view wanted;
};
inline constexpr WordRule kScenarioName = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-", 64,
    "1 to 64 of A-Z a-z 0-9 . -"};
inline constexpr WordRule kTaskName = {"abcdefghijklmnopqrstuvwxyz0123456789_/.:-", 32,
                                       "1 to 32 of a-z 0-9 _ / . : -"};
inline constexpr WordRule kSymbol = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-", 64,
    "1 to 64 of A-Z a-z 0-9 _ . -"};

[[nodiscard]] bool Fits(std::string_view word, const WordRule& rule);
// In quotes, as a message shows what it found.
[[nodiscard]] std::string Quote(std::string_view text);

class ScenarioMistakes {
 public:
  struct Mistake {
    TextPosition position;
    std::string message;
  };

  void Add(TextPosition position, std::string message);
  // Of what is not there, and so has no place: whatever is there and wrong is reported before it.
  void AddMissing(std::string message);

  // Adds a mistake unless `text` is printable, and not too long.
  void CheckText(const char* field, std::string_view text, std::size_t bytes_max,
                 TextPosition position);
  // Adds one unless `word` is of that form.
  void CheckWord(const char* field, std::string_view word, const WordRule& rule,
                 TextPosition position);

  // Nothing if all is well.
  [[nodiscard]] std::optional<Mistake> first() const;

 private:
  std::optional<Mistake> topmost_;
  std::optional<Mistake> missing_;  // the first that was added
};

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_SCENARIO_MISTAKES_H_
