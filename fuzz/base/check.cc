#include "fuzz/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace shootdown {
namespace {
void (*context_printer)() = nullptr;
}  // namespace

void SetCheckContext(void (*printer)()) { context_printer = printer; }

void CheckFailed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
  // A printer that fails a check itself must not come back here.
  if (auto* printer = context_printer; printer != nullptr) {
    context_printer = nullptr;
    printer();
  }
  std::abort();
}

}  // namespace shootdown
