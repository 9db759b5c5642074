// Numbers as they lie in memory, one after the other: what a search has saved, for the same build of this
// program alone, and perhaps cut short or damaged since.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_SAVED_BYTES_H_
#define SHOOTDOWN_FUZZ_EXPLORE_SAVED_BYTES_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace shootdown::explore {

template <class Value>
void Put(std::string& bytes, const Value& value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Takes it from the front. False: it is not there.
template <class Value>
[[nodiscard]] bool Get(std::string_view& bytes, Value& value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  if (bytes.copy(reinterpret_cast<char*>(&value), sizeof value) < sizeof value) return false;
  bytes.remove_prefix(sizeof value);
  return true;
}

template <class Value>
void PutAll(std::string& bytes, const std::vector<Value>& values) {
  Put(bytes, std::uint64_t{values.size()});
  for (const Value& value : values) Put(bytes, value);
}

template <class Value>
[[nodiscard]] bool GetAll(std::string_view& bytes, std::vector<Value>& values) {
  std::uint64_t count = 0;
  if (!Get(bytes, count) || count > bytes.size() / sizeof(Value)) return false;
  values.resize(count);
  return std::ranges::all_of(values, [&](Value& value) { return Get(bytes, value); });
}

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_SAVED_BYTES_H_
