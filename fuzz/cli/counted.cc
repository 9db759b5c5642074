#include "fuzz/cli/counted.h"

namespace shootdown {

std::string Counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace shootdown
