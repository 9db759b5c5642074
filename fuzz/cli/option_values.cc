#include "fuzz/cli/option_values.h"

#include "absl/strings/str_format.h"

namespace shootdown {

CLI::Validator NameOfA(const std::string& kind) {
  return {[kind](const std::string& value) -> std::string {
            if (!value.empty() && value != "-") return "";
            return absl::StrFormat("found \"%s\", wanted the name of a %s%s", value, kind,
                                   value.empty() ? "" : "; ./- is one of that name");
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
