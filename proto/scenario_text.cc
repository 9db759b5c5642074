#include "proto/scenario_text.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "proto/file_io.h"
#include "proto/printable.h"
#include "proto/scenario_message.h"
#include "proto/scenario_mistakes.h"
#include "proto/text_errors.h"
#include "proto/text_positions.h"
#include "shootdown/v1/scenario.pb.h"

namespace shootdown {
namespace {

constexpr int kRecursionLimit = 8;  // the format itself is 2 deep

// The place of the byte `offset`, counted as protobuf's tokenizer counts.
TextPosition PositionOf(std::string_view text, std::size_t offset) {
  constexpr int kTabWidth = 8;
  int line = 0;
  int column = 0;
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++line;
      column = 0;
    } else {
      column += c == '\t' ? kTabWidth - column % kTabWidth : 1;
    }
  }
  return {.line = line + 1, .column = column + 1};
}

std::string Locate(std::string_view file_name, TextPosition position) {
  if (position.line == 0) return std::string(file_name);
  return absl::StrFormat("%s:%d:%d", std::string(file_name), position.line, position.column);
}

absl::Status ErrorAt(std::string_view file_name, TextPosition position, std::string_view message) {
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: %s", Locate(file_name, position), std::string(message)));
}

}  // namespace

std::string ScenarioLocations::At(TextPosition position) const {
  return Locate(file_name, position);
}

absl::StatusOr<Scenario> ParseScenario(std::string_view text, std::string_view file_name,
                                       ScenarioLocations* locations) {
  if (text.size() > kScenarioBytesMax) {
    return ErrorAt(file_name, {.line = 1, .column = 1},
                   absl::StrFormat("%d bytes, wanted at most %d", text.size(), kScenarioBytesMax));
  }
  if (const auto bad = FindUnprintable(text, LineBreaks::kYes)) {
    return ErrorAt(file_name, PositionOf(text, bad->offset),
                   absl::StrFormat("%s, wanted printable UTF-8", bad->what));
  }

  v1::Scenario message;
  FirstTextError errors(*v1::Scenario::descriptor()->file(), text);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kRecursionLimit);
  const bool parsed = parser.ParseFromString(std::string(text), &message);
  if (const auto& error = errors.error(); error.has_value()) {
    return ErrorAt(file_name, error->position, error->message);
  }
  if (!parsed) return ErrorAt(file_name, {}, "protobuf cannot read it, and does not say why");

  const TextPositions positions = TextPositions::Of(text);
  ScenarioMistakes mistakes;
  LocatedScenario read = ReadScenarioMessage(message, positions, mistakes);
  if (const auto mistake = mistakes.first()) {
    return ErrorAt(file_name, mistake->position, mistake->message);
  }
  if (locations != nullptr) {
    *locations = std::move(read.locations);
    locations->file_name = std::string(file_name);
  }
  return std::move(read.scenario);
}

absl::StatusOr<Scenario> ReadScenarioFile(const std::string& path, ScenarioLocations* locations) {
  absl::StatusOr<std::string> text = ReadWholeFile(path, kScenarioBytesMax);
  if (!text.ok()) return text.status();
  return ParseScenario(*text, path, locations);
}

}  // namespace shootdown
