// The one JSON object that --json prints.
#ifndef SHOOTDOWN_FUZZ_CLI_JSON_OUTPUT_H_
#define SHOOTDOWN_FUZZ_CLI_JSON_OUTPUT_H_

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace shootdown {

using Json = nlohmann::ordered_json;

// Names of files may be any bytes; in JSON, which is UTF-8, those that are not become U+FFFD.
// `indent` < 0: one line.
[[nodiscard]] inline std::string JsonText(const Json& json, int indent = 2) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

inline void PrintJson(const Json& json) { std::printf("%s\n", JsonText(json).c_str()); }

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_JSON_OUTPUT_H_
