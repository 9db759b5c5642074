// Content hashes: ids of stored things, and hashes of traces. XXH3 with 128 bits (libxxhash), whose
// results are fixed by its specification, so they are equal on every host.
#ifndef SHOOTDOWN_FUZZ_BASE_CONTENT_HASH_H_
#define SHOOTDOWN_FUZZ_BASE_CONTENT_HASH_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace shootdown {

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr auto operator<=>(const Hash128&, const Hash128&) = default;
};

[[nodiscard]] Hash128 HashBytes(std::string_view bytes);

// 32 lower-case hexadecimal digits.
[[nodiscard]] std::string ToHex(Hash128 hash);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_BASE_CONTENT_HASH_H_
