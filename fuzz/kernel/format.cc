// Values of the kernel's cells, as people read them.
#include <array>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/types.h"

namespace shootdown::kernel {

std::string FormatPte(std::uint64_t bits) {
  const Pte pte{bits};
  if (!pte.present()) return "none";
  std::string text = "page" + std::to_string(pte.page());
  text += !pte.valid() ? " prot_none" : pte.writable() ? " rw" : " r";
  return pte.dirty() ? text + " dirty" : text;
}

std::string FormatCtx(std::uint64_t bits) {
  if (bits == 0) return "none";
  const CtxValue ctx{bits};
  return "v" + std::to_string(bits >> 22) + ":" + std::to_string(ctx.number().value());
}

std::string FormatTaskState(std::uint64_t bits) {
  switch (static_cast<TaskState>(bits)) {
    case TaskState::kRunning: return "running";
    case TaskState::kSleeping: return "sleeping";
    case TaskState::kDead: return "dead";
  }
  return "?";
}

std::string FormatVirtPage(std::uint64_t number) {
  return {static_cast<char>('A' + number)};
}

std::string FormatTasks(std::uint64_t bits) { return "tasks " + sim::FormatMask(bits); }

std::string FormatVmaPages(std::uint64_t bits) {
  std::string text;
  for (int page = 0; page < kVirtPageCount; ++page) {
    if ((bits >> page & 1) == 0) continue;
    if (!text.empty()) text += ",";
    text += FormatVirtPage(static_cast<std::uint64_t>(page));
    if ((bits >> kVmaReadOnlyShift >> page & 1) != 0) text += " read-only";
    if ((bits >> kVmaFileShift >> page & 1) != 0) text += " file";
    if ((bits >> kVmaLockedShift >> page & 1) != 0) text += " locked";
  }
  return "{" + text + "}";
}

std::string FormatTsbTag(std::uint64_t bits) {
  std::string text = (bits & TsbEntry::kInvalid) != 0 ? "invalid"
                                                      : FormatVirtPage(bits & (kVirtPageCount - 1));
  if ((bits & TsbEntry::kLock) != 0) text += " locked";
  return text;
}

std::string FormatHex(std::uint64_t word) {
  std::array<char, 19> text{};
  std::snprintf(text.data(), text.size(), "0x%" PRIx64, word);
  return text.data();
}

}  // namespace shootdown::kernel
