// Small compile-time hashes for features and sites. Content hashes (ids, trace hashes) are XXH3, in
// fuzz/base/content_hash.h.
#ifndef SHOOTDOWN_FUZZ_BASE_HASH_H_
#define SHOOTDOWN_FUZZ_BASE_HASH_H_

#include <cstdint>
#include <string_view>

namespace shootdown {

// A bijection on 64 bits with good avalanche (the finalizer of SplitMix64).
constexpr std::uint64_t Mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Order matters: Combine(a, b) and Combine(b, a) differ, but for a == b and by rare chance. Combine(0, 0) is
// 0, so a chain that starts from 0 does not count zeroes before its first other number.
constexpr std::uint64_t Combine(std::uint64_t a, std::uint64_t b) {
  return Mix64(a * 0x9e3779b97f4a7c15u + b);
}

// FNV-1a, 32 bits: sites are hashed by name at compile time.
constexpr std::uint32_t HashName(std::string_view name, std::uint32_t hash = 0x811c9dc5u) {
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193u;
  }
  return hash;
}

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_BASE_HASH_H_
