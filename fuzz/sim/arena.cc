#include "fuzz/sim/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace shootdown::sim {
namespace {

// Below each stack, and never touched: wide, so that an array that is too large ends there, and not in another
// stack. The page more keeps the stacks from sharing sets of a processor's cache.
constexpr std::size_t kGuardBytes = std::size_t{260} * 1024;
constexpr std::size_t kStackStride = kStackBytes + kGuardBytes;
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
    mprotect(Arena::Stack(n) - kGuardBytes, kGuardBytes, PROT_NONE);
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
  return reinterpret_cast<char*>(kArenaBase) + kArenaGuestBytes + n * kStackStride + kGuardBytes;
}

std::optional<std::size_t> Arena::FullStack(const void* address) {
  const std::uintptr_t first = kArenaBase + kArenaGuestBytes;
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (at < first || at >= kArenaBase + kMapBytes) return std::nullopt;
  const std::size_t offset = at - first;
  if (offset % kStackStride >= kGuardBytes) return std::nullopt;
  return offset / kStackStride;
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
