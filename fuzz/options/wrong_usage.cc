#include "fuzz/options/wrong_usage.h"

#include <algorithm>
#include <string>
#include <vector>

namespace shootdown {

void SayWrongUsageInOneLine(CLI::App& app) {
  app.failure_message([](const CLI::App* program, const CLI::Error& error) {
    std::string words = error.what();
    const std::vector<std::string> left = program->remaining(true);
    if (words == "A subcommand is required" && !left.empty()) words += ", found \"" + left.front() + "\"";
    std::ranges::replace_if(words, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return program->get_name() + ": " + words + "; see --help\n";
  });
}

}  // namespace shootdown
