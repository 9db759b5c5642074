// The arena: all guest state and all fiber stacks, at one fixed address, so that a run starts by
// copying one small block back, and so that addresses mean the same in every process.
//
// Layout, from kArenaBase: guest state (what Alloc hands out; the used part is the snapshot), then
// one stack for each thread, each with a guard below it.
//
// Objects have names ("mm1", "cpu0.tlb_batch"), which traces show instead of addresses. Guest state
// is made of 8-byte words, each at its own address: nothing assumes that an access comes through a
// C++ type.
#ifndef SHOOTDOWN_FUZZ_SIM_ARENA_H_
#define SHOOTDOWN_FUZZ_SIM_ARENA_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "fuzz/base/address_sanitizer.h"
#include "fuzz/base/check.h"

namespace shootdown::sim {

// In the part of the address space that neither Linux's mmap (which counts down from the stack) nor
// the sanitizers' shadows use.
inline constexpr std::uintptr_t kArenaBase = 0x2000'0000'0000;
inline constexpr std::size_t kArenaGuestBytes = std::size_t{1} << 20;
inline constexpr std::size_t kThreadCountMax = 256;
#ifdef SHOOTDOWN_ASAN
inline constexpr std::size_t kStackBytes = std::size_t{256} * 1024;
#else
inline constexpr std::size_t kStackBytes = std::size_t{64} * 1024;
#endif

using WordIndex = std::uint32_t;
inline constexpr WordIndex kNoWord = 0xffff'ffff;

class Arena {
 public:
  // Maps the memory on first use in the process and starts empty. Only one Arena lives at a time.
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // A zeroed array of `count` objects, named `name` (or `name0`, `name1`, … if count > 1).
  // Aborts when the guest part is full: sizes are bounded where scenarios are read.
  template <class T>
  T* Alloc(const std::string& name, std::size_t count = 1) {
    static_assert(std::is_trivially_destructible_v<T>);
    static_assert(sizeof(T) % 8 == 0, "guest objects are made of words");
    T* first = reinterpret_cast<T*>(AllocBytes(sizeof(T) * count));
    for (std::size_t i = 0; i < count; ++i) {
      ::new (static_cast<void*>(first + i)) T();
      AddName(first + i, sizeof(T), count > 1 ? name + std::to_string(i) : name);
    }
    return first;
  }

  [[nodiscard]] std::size_t used_bytes() const { return used_; }
  [[nodiscard]] char* base() const { return reinterpret_cast<char*>(kArenaBase); }

  // The object that holds `word`, or "?" if none does.
  [[nodiscard]] std::string NameOf(WordIndex word) const;
  // Where the object that holds `word` begins: what a pointer to it is as a word. 0 if none does.
  [[nodiscard]] WordIndex ObjectOf(WordIndex word) const;

  // The stack of thread `n` (its lowest address). REQUIRES: n < kThreadCountMax.
  [[nodiscard]] static char* Stack(std::size_t n);
  // The stack in whose guard `address` is: it is full. Nothing if it is in none. May be called in a signal handler.
  [[nodiscard]] static std::optional<std::size_t> FullStack(const void* address);

  [[nodiscard]] static WordIndex IndexOf(const void* address) {
    return static_cast<WordIndex>((reinterpret_cast<std::uintptr_t>(address) - kArenaBase) >> 3);
  }
  [[nodiscard]] static bool Contains(const void* address) {
    const auto a = reinterpret_cast<std::uintptr_t>(address);
    return a >= kArenaBase && a < kArenaBase + kArenaGuestBytes;
  }
  // The live arena; traces look names up through it. REQUIRES: one lives.
  [[nodiscard]] static const Arena& Live();

 private:
  struct Name {
    WordIndex first;
    WordIndex count;
    std::string name;
  };
  [[nodiscard]] const Name* Find(WordIndex word) const;
  char* AllocBytes(std::size_t bytes);
  void AddName(const void* address, std::size_t bytes, std::string name);

  std::size_t used_ = 64;  // word 0 is the null pointer
  std::vector<Name> names_;  // ascending by `first`
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_ARENA_H_
