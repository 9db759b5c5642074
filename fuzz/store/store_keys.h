// The store's keys and column families: the one place that knows how things lie on disk.
//
//   family     key                                          value
//   meta       `schema`                                     decimal number, now 2
//   failures   <failure id, 16 hex>                         checksum, encoded shootdown.v1.Failure
//   corpus     <scenario key, 32 hex> / <input hash, 32 hex>  checksum, schedule bytes
//   service    <the coordinator's own: server/keys.h>       checksum, the coordinator's bytes
//
// Schema 1 had no family `service`. Opening it for writing adds the family, and then raises the
// number; cut short in between, it is a schema 1 with an empty family more.
//
// hex: lower-case hexadecimal digits. checksum: 16 bytes, the XXH3-128 of all that follows it, most
// significant byte first. RocksDB demands a family `default`; nothing is in it.
//
// A folder is a store if it holds the marker file. The marker is written before anything else, so a
// folder without it is never touched, and one with it and no schema is a creation cut short.
#ifndef SHOOTDOWN_FUZZ_STORE_STORE_KEYS_H_
#define SHOOTDOWN_FUZZ_STORE_STORE_KEYS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/base/content_hash.h"

namespace shootdown::store_keys {

inline constexpr int kSchemaVersion = 2;
inline constexpr std::string_view kSchemaKey = "schema";

inline constexpr std::string_view kMarkerFile = "SHOOTDOWN-STORE";
inline constexpr std::string_view kMarkerText =
    "This folder is a Shootdown store: failures and schedules, in RocksDB.\n"
    "See `shootdown failures list --store FOLDER`. Change nothing here by hand.\n";

enum class Family : std::size_t { kMeta = 0, kFailures = 1, kCorpus = 2, kService = 3 };
inline constexpr std::array<std::string_view, 4> kFamilyNames = {"meta", "failures", "corpus",
                                                                 "service"};
// The first schema that had all families up to and including this one.
constexpr int FirstSchemaOf(std::string_view family) { return family == "service" ? 2 : 1; }

inline constexpr std::size_t kFailureIdDigits = 16;
inline constexpr std::size_t kHashDigits = 32;
inline constexpr std::size_t kChecksumBytes = 16;

inline bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
inline bool IsScenarioKey(std::string_view text) {
  return text.size() == kHashDigits && IsHex(text);
}

// `scenario_key` + '/': what all inputs of one scenario begin with.
inline std::string InputPrefix(std::string_view scenario_key) {
  return std::string(scenario_key) + '/';
}
inline std::string InputKey(std::string_view scenario_key, std::string_view input) {
  return InputPrefix(scenario_key) + ToHex(HashBytes(input));
}

inline std::string Checksum(std::string_view payload) {
  const Hash128 hash = HashBytes(payload);
  std::string bytes;
  for (const std::uint64_t half : {hash.high, hash.low}) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(static_cast<unsigned char>(half >> shift));
    }
  }
  return bytes;
}

}  // namespace shootdown::store_keys

#endif  // SHOOTDOWN_FUZZ_STORE_STORE_KEYS_H_
