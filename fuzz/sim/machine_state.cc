// A machine's state as a value: what the rest of a run depends on.
#include "fuzz/base/hash.h"
#include "fuzz/sim/machine.h"

namespace shootdown::sim {

bool Machine::CanWalk(int cpu, VirtPage virt) {
  if (guest_.walk == nullptr) return false;
  const Hot current = hot_;
  if (cpu != hot_.cpu) EnterCpu(cpu);
  const bool can = guest_.can_walk(virt);
  hot_ = current;
  return can;
}

std::span<const char> Machine::GuestMemory() const {
  const char* const from = reinterpret_cast<const char*>(cpus_ + config_.cpu_count);
  return {from, reinterpret_cast<const char*>(kArenaBase) + arena_.used_bytes()};
}

void Machine::AppendRegisters(std::vector<std::uint64_t>& words) const {
  constexpr std::size_t kWordsOfCpuMax = 6;
  const std::size_t count = words.size();
  words.resize(count + static_cast<std::size_t>(config_.cpu_count) * kWordsOfCpuMax + 1);
  std::uint64_t* next = words.data() + count;
  for (int c = 0; c < config_.cpu_count; ++c) {
    const Cpu& cpu = cpus_[c];
    const std::uint64_t actor = c == hot_.cpu ? hot_.actor : cpu.actor;
    *next++ = std::uint64_t{cpu.ie} | std::uint64_t{cpu.pil} << 8 |
              std::uint64_t{cpu.interrupt_depth} << 16 | std::uint64_t{cpu.nmi_pending} << 24 |
              std::uint64_t{cpu.mondo_count} << 32 | std::uint64_t{cpu.buffer_count} << 40 |
              std::uint64_t{cpu.thread} << 56 >> 8 | actor << 56;
    // What codes have beyond a byte stands where there is room.
    *next++ = std::uint64_t{cpu.softint} | std::uint64_t{cpu.secondary} << 16 |
              std::uint64_t{cpu.has_thread} << 32 | std::uint64_t{cpu.thread} >> 8 << 40 |
              actor >> 8 << 48;
    *next++ = cpu.executed;
    *next++ = cpu.accepted;
    // How long interrupts wait yet: counted in steps of one actor, wherever it stands.
    if (cpu.defer_until == 0) continue;
    const std::uint32_t now = index_[IndexSlot(cpu.defer_actor)];
    *next++ = std::uint64_t{cpu.defer_actor} << 32 | (cpu.defer_until - now);
    *next++ = cpu.defer_mondo_until == 0 ? 0 : cpu.defer_mondo_until - now + 1;
  }
  // A set: in whatever order.
  std::uint64_t poisoned = 0;
  for (const WordIndex w : poisoned_) poisoned += Mix64(w);
  *next++ = poisoned;
  words.resize(static_cast<std::size_t>(next - words.data()));
}

}  // namespace shootdown::sim
