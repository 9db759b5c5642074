#include "fuzz/cli/option_values.h"

#include "absl/strings/str_format.h"

namespace shootdown {

CLI::Validator NameOfA(const std::string& kind) {
  return {[kind](const std::string& value) -> std::string {
            return value.empty() ? absl::StrFormat("found \"\", wanted the name of a %s", kind) : "";
          },
          ""};
}

CLI::Option* AddStoreOption(CLI::App& command, std::string& store) {
  return command
      .add_option("--store", store,
                  "folder of the store (default: $SHOOTDOWN_STORE, else shootdown/store in the user's data "
                  "folder, mostly ~/.local/share)")
      ->check(NameOfA("folder"));
}

}  // namespace shootdown
