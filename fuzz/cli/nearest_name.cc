#include "fuzz/cli/nearest_name.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace shootdown {
namespace {

// Levenshtein's distance, row by row.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> NearestName(std::string_view typed, std::span<const std::string> names) {
  std::optional<std::string> nearest;
  std::size_t least = typed.size() / 3 + 1;
  for (const std::string& name : names) {
    if (const std::size_t distance = Distance(typed, name); distance < least) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace shootdown
