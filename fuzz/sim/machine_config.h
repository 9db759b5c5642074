// The shape of a machine. Ranges are checked where a scenario is read (proto/scenario_text.h).
#ifndef SHOOTDOWN_FUZZ_SIM_MACHINE_CONFIG_H_
#define SHOOTDOWN_FUZZ_SIM_MACHINE_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace shootdown::sim {

// SPARC V9 manual, chapter 8. TSO: a load may complete before an earlier store to another location
// is visible; nothing else is reordered. PSO: stores to different locations pass each other too. RMO: so
// do loads, among each other and with stores.
enum class MemoryModel : std::uint8_t { kSc, kTso, kPso, kRmo };
constexpr std::string_view NameOf(MemoryModel model) {
  constexpr std::string_view kNames[] = {"SC", "TSO", "PSO", "RMO"};
  return kNames[static_cast<std::size_t>(model)];
}

// How a cross call travels. sun4u: one receive register a CPU, busy means NACK. sun4v: a queue in
// memory a CPU, full means EWOULDBLOCK. Source: Linux 4.19 arch/sparc/kernel/smp_64.c.
enum class MondoFlavour : std::uint8_t { kSun4u, kSun4v };

// When the sender of a cross call may go on. kAccepted is what the hardware does: the target has
// taken the mondo into its register or queue, and may run the handler later. kExecuted is an ideal
// machine in which the handler has run.
enum class MondoDone : std::uint8_t { kAccepted, kExecuted };

struct MachineConfig {
  int cpu_count = 2;                       // 1 .. 128; a kernel has at most 64 (CpuBits)
  MemoryModel memory_model = MemoryModel::kTso;
  int store_buffer_entries = 8;            // 1 .. 16
  int tlb_entries = 4;                     // 1 .. 64, for each sharing group
  int tlb_sharing = 1;                     // CPUs that share one TLB: 1 .. 8
  MondoFlavour mondo_flavour = MondoFlavour::kSun4v;
  MondoDone mondo_done = MondoDone::kAccepted;
  int mondo_queue_entries = 4;             // sun4v: 1 .. 16
  int mondo_delay_max = 0;                 // 0 .. 255: steps that a DEFER decision may hold a mondo
                                           // back although PSTATE.IE is 1; hardware takes it at once
  std::uint32_t step_count_max = 20'000;   // 100 .. 65'535: more is a livelock
  int context_count = 8;                   // context numbers 0 .. n-1; power of two, 4 .. 64
  int tsb_entries = 4;                     // power of two, 1 .. 64
  int page_count = 8;                      // physical pages, 1 .. 64
  friend bool operator==(const MachineConfig&, const MachineConfig&) = default;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_MACHINE_CONFIG_H_
