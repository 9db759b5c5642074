#include "fuzz/cli/strategy_option.h"

namespace shootdown {

void AddStrategyOption(CLI::App& command, StrategyName& strategy) {
  command
      .add_option_function<std::string>(
          "--strategy",
          [&strategy](const std::string& text) {
            const absl::StatusOr<StrategyName> parsed = ParseStrategyName(text);
            if (!parsed.ok()) {
              throw CLI::ValidationError("--strategy", std::string(parsed.status().message()));
            }
            strategy = *parsed;
          },
          "one of " + StrategyUsage() +
              ". `random`: two or three switches at random steps of the default run; `random-walk`: any CPU that "
              "can run, at every step; the others: fuzz/strategy/README.md")
      ->default_str(ToText(strategy));
}

}  // namespace shootdown
