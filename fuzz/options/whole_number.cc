#include "fuzz/options/whole_number.h"

#include <charconv>
#include <string>
#include <system_error>

#include "absl/strings/str_format.h"

namespace shootdown {

CLI::Validator WholeNumber(std::uint64_t min, std::uint64_t max) {
  const std::string wanted =
      max == UINT64_MAX ? absl::StrFormat("at least %d", min) : absl::StrFormat("%d to %d", min, max);
  const auto check = [min, max, wanted](std::string& text) -> std::string {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stopped != end || value < min || value > max) {
      const bool too_large = error == std::errc::result_out_of_range;
      return absl::StrFormat("found \"%s\", wanted a whole number, %s", text,
                             too_large ? absl::StrFormat("%d to %d", min, max) : wanted);
    }
    text = std::to_string(value);
    return "";
  };
  return {check, wanted};
}

}  // namespace shootdown
