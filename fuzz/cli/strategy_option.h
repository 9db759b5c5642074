// `--strategy NAME`, the same for `fuzz` and for campaigns.
#ifndef SHOOTDOWN_FUZZ_CLI_STRATEGY_OPTION_H_
#define SHOOTDOWN_FUZZ_CLI_STRATEGY_OPTION_H_

#include <CLI/CLI.hpp>

#include "fuzz/strategy/strategy_name.h"

namespace shootdown {

// `strategy` outlives the command, and is the default.
void AddStrategyOption(CLI::App& command, StrategyName& strategy);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_STRATEGY_OPTION_H_
