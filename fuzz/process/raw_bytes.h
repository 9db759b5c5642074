// Numbers as they lie in memory, one after the other: messages between a process and its own children, which
// nobody else ever reads.
#ifndef SHOOTDOWN_FUZZ_PROCESS_RAW_BYTES_H_
#define SHOOTDOWN_FUZZ_PROCESS_RAW_BYTES_H_

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "fuzz/base/check.h"

namespace shootdown {

template <class T>
void AppendRaw(std::string& bytes, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Takes from the front what AppendRaw wrote. REQUIRES: it is there; a message that is cut short is a bug of ours.
class RawReader {
 public:
  // `bytes` outlives the reader.
  explicit RawReader(std::string_view bytes) : rest_(bytes) {}

  template <class T>
  [[nodiscard]] T Take() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    const std::string_view bytes = TakeBytes(sizeof value);
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  [[nodiscard]] std::string_view TakeBytes(std::size_t size) {
    SHOOTDOWN_CHECK(rest_.size() >= size);
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_RAW_BYTES_H_
