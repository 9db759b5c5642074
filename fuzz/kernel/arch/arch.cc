#include "fuzz/kernel/arch/arch.h"

#include <array>

#include "fuzz/kernel/arch/powerpc64/arch.h"
#include "fuzz/kernel/arch/sparc64/arch.h"

namespace shootdown::kernel {
namespace {

constexpr std::array<const Arch*, 2> kAll = {&sparc64::kArch, &powerpc64::kArch};

}  // namespace

std::span<const Arch* const> AllArchs() { return kAll; }

const Arch* FindArch(std::string_view name) {
  for (const Arch* arch : kAll) {
    if (arch->name == name) return arch;
  }
  return nullptr;
}

}  // namespace shootdown::kernel
