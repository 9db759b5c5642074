#include "proto/scenario_mistakes.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "proto/printable.h"
#include "proto/scenario_text.h"

namespace shootdown {

bool Fits(std::string_view word, const WordRule& rule) {
  return !word.empty() && word.size() <= rule.bytes_max &&
         word.find_first_not_of(rule.characters) == std::string_view::npos;
}

std::string Quote(std::string_view text) { return '"' + ForMessage(text) + '"'; }

void ScenarioMistakes::Add(TextPosition position, std::string message) {
  if (topmost_.has_value() && !(position < topmost_->position)) return;
  topmost_ = Mistake{.position = position, .message = std::move(message)};
}

void ScenarioMistakes::AddMissing(std::string message) {
  if (missing_.has_value()) return;
  missing_ = Mistake{.position = {.line = 1, .column = 1}, .message = std::move(message)};
}

void ScenarioMistakes::CheckText(const char* field, std::string_view text, std::size_t bytes_max,
                                 TextPosition position) {
  if (const auto bad = FindUnprintable(text, LineBreaks::kNo)) {
    Add(position, absl::StrFormat("%s: %s (at byte %d), wanted printable UTF-8", field, bad->what,
                                  bad->offset));
  } else if (text.size() > bytes_max) {
    Add(position,
        absl::StrFormat("%s: %d bytes, wanted at most %d", field, text.size(), bytes_max));
  }
}

void ScenarioMistakes::CheckWord(const char* field, std::string_view word, const WordRule& rule,
                                 TextPosition position) {
  CheckText(field, word, kScenarioBytesMax, position);
  if (!Fits(word, rule)) {
    Add(position,
        absl::StrFormat("%s: %s, wanted %s", field, Quote(word), std::string(rule.wanted)));
  }
}

std::optional<ScenarioMistakes::Mistake> ScenarioMistakes::first() const {
  return topmost_.has_value() ? topmost_ : missing_;
}

}  // namespace shootdown
