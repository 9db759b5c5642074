// Which bytes of guest memory are touched while somebody watches. Everything counts: steps, looks without a
// step, what judges note, registers, TLBs, and what the machine itself reads and writes there.
//
// Compilers do the watching. In a program whose guest code is built for it (sim::GuestCodeIsWatched) each
// load and each store calls memory_watch_hooks.cc, as it would call ThreadSanitizer's runtime.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_MEMORY_WATCH_H_
#define SHOOTDOWN_FUZZ_EXPLORE_MEMORY_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/sim/machine.h"

namespace shootdown::explore {

// A word, and which of its bytes: a bit each.
struct Touch {
  sim::WordIndex word = 0;
  std::uint8_t reads = 0;
  std::uint8_t writes = 0;
};

// What was touched, each word once. Words behind guest memory stand for threads, since what one knows is on its
// stack, and goes with it to another CPU; for how much is in the CPUs' store buffers; and for whether they have a
// step to take.
using Footprint = std::vector<Touch>;
inline constexpr sim::WordIndex kThreadWords = sim::kArenaGuestBytes / 8;
inline constexpr sim::WordIndex kBufferWords = kThreadWords + ActorId::kCodeCount;
inline constexpr sim::WordIndex kStepWords = kBufferWords + kCpuCountMax;
inline constexpr std::size_t kFootprintWords = kStepWords + kCpuCountMax;

// One touches what the other writes.
[[nodiscard]] constexpr bool InConflict(const Touch& a, const Touch& b) {
  return a.word == b.word && ((a.writes & (b.reads | b.writes)) | (a.reads & b.writes)) != 0;
}
[[nodiscard]] bool InConflict(const Footprint& a, const Footprint& b);

class MemoryWatch {
 public:
  // Of the live machine's memory. At most one watch sees at a time.
  explicit MemoryWatch(const sim::Machine& machine);
  ~MemoryWatch() { Pause(); }
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  // Nothing has been seen.
  void Forget();
  // Sees what is touched from now on, until Pause: while CPU `cpu` runs, or by whomever.
  void See(int cpu) {
    cpu_ = cpu;
    seeing_ = this;
  }
  void SeeAll() { See(kWhoever); }
  static void Pause() { seeing_ = nullptr; }

  // CPU `cpu` looks whether there is an interrupt that it may take.
  void AddLookForInterrupts(int cpu);
  // The thread that CPU `cpu` runs goes on.
  void AddThread(int cpu) { Add(kThreadWords + machine_.thread(cpu).code(), 0, 1); }

  // Somebody needs to know how much is in CPU `cpu`'s store buffer, or makes it less.
  void AddBuffer(int cpu, bool is_write) {
    Add(kBufferWords + static_cast<sim::WordIndex>(cpu), is_write ? 0 : 1, is_write ? 1 : 0);
  }

  // Something can come to CPU `cpu` only where it has a step to take; or it now has one, or has none.
  void AddHasStep(int cpu, bool is_write) {
    Add(kStepWords + static_cast<sim::WordIndex>(cpu), is_write ? 0 : 1, is_write ? 1 : 0);
  }

  [[nodiscard]] const Footprint& seen() const { return seen_; }

  // For the hooks: `size` bytes of whatever memory were read, or written.
  static void Read(const void* address, std::size_t size) {
    if (seeing_ != nullptr) seeing_->Access(address, size, /*is_write=*/false);
  }
  static void Write(const void* address, std::size_t size) {
    if (seeing_ != nullptr) seeing_->Access(address, size, /*is_write=*/true);
  }

 private:
  static constexpr int kWhoever = -1;

  void Access(const void* address, std::size_t size, bool is_write);
  void AddBytes(std::uintptr_t first, std::size_t size, bool is_write);
  void Add(sim::WordIndex word, std::uint8_t reads, std::uint8_t writes);

  inline static MemoryWatch* seeing_ = nullptr;

  const sim::Machine& machine_;
  std::uintptr_t stack_bytes_;  // from one stack to the next
  std::uintptr_t cpus_;         // registers
  std::uintptr_t cpus_end_;
  int cpu_ = kWhoever;
  Footprint seen_;
  std::vector<std::uint32_t> places_;  // by word: where it is in seen_, from 1
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_MEMORY_WATCH_H_
