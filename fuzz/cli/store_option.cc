#include "fuzz/cli/store_option.h"

#include "fuzz/options/name_of_a.h"

namespace shootdown {

CLI::Option* AddStoreOption(CLI::App& command, std::string& store) {
  return command
      .add_option(
          "--store", store,
          "folder of the store (default: $SHOOTDOWN_STORE, else shootdown/store in the user's data "
          "folder, mostly ~/.local/share)")
      ->check(NameOfA("folder"));
}

}  // namespace shootdown
