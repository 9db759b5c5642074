// The one rule for names of files and folders on command lines, the same for all programs.
#ifndef SHOOTDOWN_FUZZ_OPTIONS_NAME_OF_A_H_
#define SHOOTDOWN_FUZZ_OPTIONS_NAME_OF_A_H_

#include <CLI/CLI.hpp>
#include <string>

namespace shootdown {

// Takes any name but none, which is what `--store "$UNSET"` gives, and `-`, by which many programs mean
// standard output: that is for tables and JSON here. `kind` is "file" or "folder".
[[nodiscard]] CLI::Validator NameOfA(const std::string& kind);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_OPTIONS_NAME_OF_A_H_
