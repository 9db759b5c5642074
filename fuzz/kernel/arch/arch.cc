#include "fuzz/kernel/arch/arch.h"

#include <algorithm>

#include "fuzz/kernel/arch/alpha/arch.h"
#include "fuzz/kernel/arch/arm/arch.h"
#include "fuzz/kernel/arch/arm64/arch.h"
#include "fuzz/kernel/arch/ia64/arch.h"
#include "fuzz/kernel/arch/loongarch/arch.h"
#include "fuzz/kernel/arch/mips/arch.h"
#include "fuzz/kernel/arch/powerpc64/arch.h"
#include "fuzz/kernel/arch/powerpc_nohash/arch.h"
#include "fuzz/kernel/arch/riscv/arch.h"
#include "fuzz/kernel/arch/s390/arch.h"
#include "fuzz/kernel/arch/sh/arch.h"
#include "fuzz/kernel/arch/sparc32/arch.h"
#include "fuzz/kernel/arch/sparc64/arch.h"
#include "fuzz/kernel/arch/x86/arch.h"

namespace shootdown::kernel {
namespace {

constexpr auto kAll = std::to_array<const Arch*>(
    {&sparc64::kArch, &x86::kArch, &powerpc64::kArch, &powerpc_nohash::kArch, &alpha::kArch,
     &arm::kArch, &arm64::kArch, &ia64::kArch, &loongarch::kArch, &mips::kArch, &riscv::kArch,
     &s390::kArch, &sh::kArch, &sparc32::kArch});

}  // namespace

std::span<const Arch* const> AllArchs() { return kAll; }

const Arch* FindArch(std::string_view name) {
  for (const Arch* arch : kAll) {
    if (arch->name == name) return arch;
  }
  return nullptr;
}

std::vector<std::string_view> ArchsOfArea(std::string_view area) {
  std::vector<std::string_view> names;
  for (const Arch* arch : kAll) {
    const bool its = std::ranges::find(arch->switch_areas, area) != arch->switch_areas.end();
    if (its || arch->name == area) names.push_back(arch->name);
  }
  return names;
}

}  // namespace shootdown::kernel
