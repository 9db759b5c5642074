#include "proto/printable.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/str_format.h"

namespace shootdown {
namespace {

struct Decoded {
  std::uint32_t point = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

// The Unicode Standard 15, table 3-7: well-formed UTF-8 byte sequences.
Decoded DecodeFirst(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {.point = first, .bytes = 1};
  if (first < 0xc2 || first > 0xf4) return {};
  const std::size_t bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() < bytes) return {};

  std::uint32_t point = first & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    point = (point << 6) | (byte(i) & 0x3f);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < kLeast[bytes] || point > 0x10ffff || surrogate) return {};
  return {.point = point, .bytes = bytes};
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
  const char* what;
};

constexpr Range kRefused[] = {
    {0x00, 0x1f, "control character"},          {0x7f, 0x9f, "control character"},
    {0x200b, 0x200f, "invisible character"},    {0x2028, 0x2029, "line separator"},
    {0x202a, 0x202e, "writing direction mark"}, {0x2060, 0x2064, "invisible character"},
    {0x2066, 0x2069, "writing direction mark"}, {0xfdd0, 0xfdef, "noncharacter"},
    {0xfeff, 0xfeff, "byte order mark"},
};

const char* WhyRefused(std::uint32_t point, LineBreaks line_breaks) {
  const bool line_break = point == '\t' || point == '\n' || point == '\r';
  if (line_break && line_breaks == LineBreaks::kYes) return nullptr;
  if ((point & 0xfffe) == 0xfffe) return "noncharacter";
  const auto* const found = std::ranges::find_if(
      kRefused, [&](const Range& r) { return r.first <= point && point <= r.last; });
  return found == std::end(kRefused) ? nullptr : found->what;
}

}  // namespace

std::optional<Unprintable> FindUnprintable(std::string_view text, LineBreaks line_breaks) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const Decoded decoded = DecodeFirst(text.substr(offset));
    if (decoded.bytes == 0) {
      const auto byte = static_cast<unsigned char>(text[offset]);
      return Unprintable{offset, absl::StrFormat("byte 0x%02x, which is not UTF-8", byte)};
    }
    if (const char* why = WhyRefused(decoded.point, line_breaks); why != nullptr) {
      return Unprintable{offset, absl::StrFormat("%s U+%04X", why, decoded.point)};
    }
    offset += decoded.bytes;
  }
  return std::nullopt;
}

std::string ForMessage(std::string_view text) {
  constexpr std::size_t kShownMax = 80;
  std::string shown;
  while (!text.empty()) {
    const Decoded decoded = DecodeFirst(text);
    const bool printable =
        decoded.bytes != 0 && WhyRefused(decoded.point, LineBreaks::kNo) == nullptr;
    const std::string_view next = printable ? text.substr(0, decoded.bytes) : "?";
    if (shown.size() + next.size() > kShownMax) return shown + "...";
    shown += next;
    text.remove_prefix(printable ? decoded.bytes : 1);
  }
  return shown;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = DecodeFirst(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace shootdown
