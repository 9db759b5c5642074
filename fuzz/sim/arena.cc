#include "fuzz/sim/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace shootdown::sim {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kStackStride = kStackBytes + kPageBytes;
constexpr std::size_t kMapBytes = kArenaGuestBytes + kThreadCountMax * kStackStride;

Arena* live_arena = nullptr;

void MapOnce() {
  static bool mapped = false;
  if (mapped) return;
  void* const want = reinterpret_cast<void*>(kArenaBase);
  void* const got = mmap(want, kMapBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got != want) {
    std::fprintf(stderr, "cannot map %zu bytes at %p: the address is taken or memory is limited\n",
                 kMapBytes, want);
    SHOOTDOWN_CHECK(got == want);
  }
  for (std::size_t n = 0; n < kThreadCountMax; ++n) {
    mprotect(Arena::Stack(n) - kPageBytes, kPageBytes, PROT_NONE);
  }
  mapped = true;
}

}  // namespace

Arena::Arena() {
  SHOOTDOWN_CHECK(live_arena == nullptr);
  MapOnce();
  live_arena = this;
}

Arena::~Arena() {
  std::memset(base(), 0, used_);
  live_arena = nullptr;
}

const Arena& Arena::Live() {
  SHOOTDOWN_CHECK(live_arena != nullptr);
  return *live_arena;
}

char* Arena::Stack(std::size_t n) {
  return reinterpret_cast<char*>(kArenaBase) + kArenaGuestBytes + n * kStackStride + kPageBytes;
}

char* Arena::AllocBytes(std::size_t bytes) {
  SHOOTDOWN_CHECK(used_ + bytes <= kArenaGuestBytes);
  char* const address = base() + used_;
  used_ += bytes;
  return address;
}

void Arena::AddName(const void* address, std::size_t bytes, std::string name) {
  names_.push_back({.first = IndexOf(address),
                    .count = static_cast<WordIndex>(bytes / 8),
                    .name = std::move(name)});
}

const Arena::Name* Arena::Find(WordIndex word) const {
  const auto after = std::ranges::upper_bound(names_, word, {}, &Name::first);
  if (after == names_.begin()) return nullptr;
  const Name& name = *(after - 1);
  return word < name.first + name.count ? &name : nullptr;
}

std::string Arena::NameOf(WordIndex word) const {
  const Name* const name = Find(word);
  return name != nullptr ? name->name : "?";
}

WordIndex Arena::ObjectOf(WordIndex word) const {
  const Name* const name = Find(word);
  return name != nullptr ? name->first : 0;
}

}  // namespace shootdown::sim
