#include "fuzz/options/name_of_a.h"

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

}  // namespace shootdown
