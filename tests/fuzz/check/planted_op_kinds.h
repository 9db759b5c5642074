// What the files of planted operations share: what an operation is about, and how it is registered.
#ifndef SHOOTDOWN_TESTS_FUZZ_CHECK_PLANTED_OP_KINDS_H_
#define SHOOTDOWN_TESTS_FUZZ_CHECK_PLANTED_OP_KINDS_H_

#include <string_view>
#include <vector>

#include "fuzz/kernel/kernel.h"
#include "fuzz/kernel/ops.h"

namespace shootdown::testing {

// A task's or a driver's pointer to an mm.
struct Holder {
  kernel::Cell<kernel::Mm*> mm;
};

inline kernel::Mm* MmOf(const kernel::BoundOp& op) {
  return kernel::ObjectArg<Holder>(op, 0)->mm.PeekOwn();
}

using Run = void (*)(const kernel::BoundOp& op);

inline void Plain(std::string_view name, Run run) {
  kernel::RegisterOp({.name = name, .usage = name, .what = "planted", .run = run});
}
inline void OnPage(std::string_view name, Run run) {
  kernel::RegisterOp({.name = name,
                      .usage = name,
                      .what = "planted",
                      .args = {kernel::ArgKind::kPage},
                      .run = run});
}
template <class T>
void OnObject(std::string_view name, Run run, std::size_t count = 1) {
  kernel::RegisterOp({.name = name,
                      .usage = name,
                      .what = "planted",
                      .args = std::vector<kernel::ArgKind>(count, kernel::ArgKind::kObject),
                      .run = run,
                      .object = &kernel::ObjectOf<T>});
}

// Each is called once, by RegisterPlantedOps().
void RegisterPlantedReferenceOps();
void RegisterPlantedContextOps();
void RegisterPlantedPageOps();
void RegisterPlantedCallOps();

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_CHECK_PLANTED_OP_KINDS_H_
