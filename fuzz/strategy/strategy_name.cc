#include "fuzz/strategy/strategy_name.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace shootdown {
namespace {

using Kind = StrategyName::Kind;

struct Row {
  Kind kind;
  std::string_view word;
  std::string_view bound;  // what the number after the colon is; empty: there is none
  std::uint32_t usual;
};
constexpr std::array<Row, 11> kRows = {{
    {Kind::kLibFuzzer, "libfuzzer", "", 0},
    {Kind::kRandom, "random", "", 0},
    {Kind::kRandomWalk, "random-walk", "", 0},
    {Kind::kPct, "pct", "DEPTH", 3},
    {Kind::kPos, "pos", "", 0},
    {Kind::kPosEager, "pos-eager", "", 0},
    {Kind::kUrw, "urw", "", 0},
    {Kind::kSurw, "surw", "", 0},
    {Kind::kPreemptions, "preemptions", "K", 3},
    {Kind::kDelays, "delays", "K", 3},
    {Kind::kRaceReversal, "race-reversal", "", 0},
}};

// A name comes from a user, and goes into one line.
std::string Shown(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, 40)) {
    shown += std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '?';
  }
  return shown;
}

absl::Status NotFound(std::string_view text) {
  return absl::InvalidArgumentError(absl::StrFormat("found strategy \"%s\", wanted one of %s",
                                                    Shown(text), StrategyUsage()));
}

}  // namespace

absl::StatusOr<StrategyName> ParseStrategyName(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto* const row = std::ranges::find(kRows, text.substr(0, colon), &Row::word);
  if (row == kRows.end() || row->bound.empty() != (colon == std::string_view::npos)) {
    return NotFound(text);
  }
  StrategyName name{.kind = row->kind};
  if (row->bound.empty()) return name;
  const std::string_view number = text.substr(colon + 1);
  const auto [stop, error] =
      std::from_chars(number.data(), number.data() + number.size(), name.bound);
  if (error != std::errc() || stop != number.data() + number.size() || name.bound < 1 ||
      name.bound > StrategyName::kBoundMax) {
    return absl::InvalidArgumentError(
        absl::StrFormat("found strategy \"%s\", wanted for %s a number from 1 to %d", Shown(text),
                        std::string(row->bound), StrategyName::kBoundMax));
  }
  return name;
}

std::string ToText(const StrategyName& name) {
  const Row& row = *std::ranges::find(kRows, name.kind, &Row::kind);
  std::string text(row.word);
  if (!row.bound.empty()) text += ":" + std::to_string(name.bound);
  return text;
}

std::vector<StrategyName> AllStrategies() {
  std::vector<StrategyName> all;
  all.reserve(kRows.size());
  for (const Row& row : kRows) all.push_back({.kind = row.kind, .bound = row.usual});
  return all;
}

std::string StrategyUsage() {
  std::string text;
  for (const Row& row : kRows) {
    if (!text.empty()) text += ", ";
    text += row.word;
    if (!row.bound.empty()) text += ":" + std::string(row.bound);
  }
  return text;
}

}  // namespace shootdown
