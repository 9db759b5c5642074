// What stands in a CPU's store buffer and in its queue of mondos. How much of each ring is in use, and where
// it begins, stands with the CPU's registers (fuzz/sim/cpu.h).
#ifndef SHOOTDOWN_FUZZ_SIM_RINGS_H_
#define SHOOTDOWN_FUZZ_SIM_RINGS_H_

#include <array>
#include <cstdint>

#include "fuzz/sim/guest.h"
#include "fuzz/sim/log.h"

namespace shootdown::sim {

// Entries of a ring at most: store_buffer_entries and mondo_queue_entries (fuzz/sim/machine_config.h).
inline constexpr int kRingMax = 16;

// A store that has not reached memory, or a load that has not happened.
struct Held {
  std::uint64_t* word;
  std::uint64_t value;
  Row row;           // of the store or load
  Row after_stores;  // those with rows below these come before it
  Row after_loads;
  std::uint32_t expires;  // leaves before the actor's step of this number
  std::uint16_t actor;
  bool held;  // by a decision; else it only waits for those before it
  bool is_load;
};

// The row of the last membar with each bit, 0 if there was none; and where the last wait ended.
struct Barriers {
  Row load_load = 0;
  Row store_load = 0;
  Row load_store = 0;
  Row store_store = 0;
  Row waited = 0;
};

struct Rings {
  std::array<Mondo, kRingMax> mondo;
  std::array<Held, kRingMax> held;
  Barriers barriers;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_RINGS_H_
