#include "fuzz/explore/memory_watch.h"

#include <algorithm>

#include "fuzz/sim/cpu.h"

namespace shootdown::explore {
namespace {

// Which bytes matter to others, of the word that stands `offset` bytes behind the first CPU's registers. How
// full a store buffer is, and whose steps a CPU was taking when it was left, is written by whoever runs next,
// and says nothing that is not said elsewhere.
std::uint8_t SharedBytes(std::uintptr_t offset) {
  const std::uintptr_t word = offset % sizeof(sim::Cpu) / 8;
  unsigned mask = 0xff;
  const auto leave_out = [&](std::size_t first, std::size_t size) {
    if (first / 8 == word) mask &= ~(((1u << size) - 1) << first % 8);
  };
  leave_out(offsetof(sim::Cpu, buffer_head), sizeof(sim::Cpu::buffer_head));
  leave_out(offsetof(sim::Cpu, buffer_count), sizeof(sim::Cpu::buffer_count));
  leave_out(offsetof(sim::Cpu, actor), sizeof(sim::Cpu::actor));
  return static_cast<std::uint8_t>(mask);
}

}  // namespace

// Few words each.
bool InConflict(const Footprint& a, const Footprint& b) {
  return std::ranges::any_of(a, [&b](const Touch& x) {
    return std::ranges::any_of(b, [&x](const Touch& y) { return InConflict(x, y); });
  });
}

MemoryWatch::MemoryWatch(const sim::Machine& machine)
    : machine_(machine),
      stack_bytes_(static_cast<std::uintptr_t>(sim::Arena::Stack(1) - sim::Arena::Stack(0))),
      cpus_end_(reinterpret_cast<std::uintptr_t>(machine.GuestMemory().data())),
      places_(kFootprintWords) {
  cpus_ = cpus_end_ - static_cast<std::size_t>(machine.cpu_count()) * sizeof(sim::Cpu);
}

void MemoryWatch::Forget() {
  for (const Touch& touch : seen_) places_[touch.word] = 0;
  seen_.clear();
}

void MemoryWatch::Access(const void* address, std::size_t size, bool is_write) {
  const auto first = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t offset = first - sim::kArenaBase;
  if (offset >= sim::kArenaGuestBytes + sim::kThreadCountMax * stack_bytes_) return;
  if (cpu_ != kWhoever && machine_.cpu() != cpu_) return;
  if (offset < sim::kArenaGuestBytes) {
    AddBytes(first, size, is_write);
    return;
  }
  const std::size_t stack = (offset - sim::kArenaGuestBytes) / stack_bytes_;
  const ActorId thread = sim::Machine::ThreadOfStack(stack);
  if (thread != machine_.thread(machine_.cpu())) {
    Add(kThreadWords + thread.code(), is_write ? 0 : 1, is_write ? 1 : 0);
  }
}

void MemoryWatch::AddBytes(std::uintptr_t first, std::size_t size, bool is_write) {
  while (size != 0) {
    const std::size_t offset = first % 8;
    const std::size_t count = std::min(size, 8 - offset);
    auto mask = static_cast<std::uint8_t>(((1u << count) - 1) << offset);
    if (first >= cpus_ && first < cpus_end_) mask &= SharedBytes(first - cpus_);
    if (mask != 0) {
      Add(sim::Arena::IndexOf(reinterpret_cast<const void*>(first)), is_write ? 0 : mask,
          is_write ? mask : 0);
    }
    first += count;
    size -= count;
  }
}

void MemoryWatch::Add(sim::WordIndex word, std::uint8_t reads, std::uint8_t writes) {
  std::uint32_t& place = places_[word];
  if (place == 0) {
    seen_.push_back({.word = word});
    place = static_cast<std::uint32_t>(seen_.size());
  }
  Touch& touch = seen_[place - 1];
  touch.reads |= reads;
  touch.writes |= writes;
}

void MemoryWatch::AddLookForInterrupts(int cpu) {
  const std::uintptr_t registers = cpus_ + static_cast<std::size_t>(cpu) * sizeof(sim::Cpu);
  if (reinterpret_cast<const sim::Cpu*>(registers)->ie == 0) return;
  AddBytes(registers + offsetof(sim::Cpu, nmi_pending), 1, /*is_write=*/false);
  AddBytes(registers + offsetof(sim::Cpu, mondo_count), 1, /*is_write=*/false);
  AddBytes(registers + offsetof(sim::Cpu, softint), 2, /*is_write=*/false);
}

}  // namespace shootdown::explore
