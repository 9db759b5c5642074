// The mask of a membar: which accesses before it are kept before which after it.
// Source: The SPARC Architecture Manual, Version 9, A.32 (the bits), 8.4.3 and appendix D (their
// meaning).
#ifndef SHOOTDOWN_FUZZ_SIM_MEMBAR_H_
#define SHOOTDOWN_FUZZ_SIM_MEMBAR_H_

#include <cstdint>

#include "fuzz/sim/machine_config.h"

namespace shootdown::sim {

using MembarMask = std::uint8_t;
inline constexpr MembarMask kLoadLoad = 1;
inline constexpr MembarMask kStoreLoad = 2;
inline constexpr MembarMask kLoadStore = 4;
inline constexpr MembarMask kStoreStore = 8;
inline constexpr MembarMask kMembarAll = 15;

// The bits that order anything which the model does not order by itself. A membar without them does
// nothing, as sparc64's smp_rmb() and smp_wmb() under TSO (Linux 4.19
// arch/sparc/include/asm/barrier_64.h).
constexpr MembarMask MaskThatMatters(MemoryModel model) {
  switch (model) {
    case MemoryModel::kSc:
      return 0;
    case MemoryModel::kTso:
      return kStoreLoad;
    case MemoryModel::kPso:
      return kStoreLoad | kStoreStore;
    case MemoryModel::kRmo:
      return kMembarAll;
  }
  return kMembarAll;
}

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_MEMBAR_H_
