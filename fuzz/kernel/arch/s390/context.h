// What a CPU has loaded: a page table and its number of levels, the two parts of an ASCE.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_S390_CONTEXT_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_S390_CONTEXT_H_

#include <cstdint>

#include "fuzz/kernel/types.h"

namespace shootdown::kernel::s390 {

struct LoadedAsce {
  std::uint64_t pgd_levels = 0;   // that the table has
  std::uint64_t asce_levels = 0;  // that the bits say
};
[[nodiscard]] inline LoadedAsce& LoadedOn(const PerCpu& cpu) {
  return *static_cast<LoadedAsce*>(cpu.arch_data);
}

}  // namespace shootdown::kernel::s390

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_S390_CONTEXT_H_
