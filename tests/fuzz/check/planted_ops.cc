#include "tests/fuzz/check/planted_ops.h"

#include "tests/fuzz/check/planted_op_kinds.h"

namespace shootdown::testing {

void RegisterPlantedOps() {
  static bool registered = false;
  if (registered) return;
  registered = true;
  RegisterPlantedReferenceOps();
  RegisterPlantedContextOps();
  RegisterPlantedPageOps();
  RegisterPlantedCallOps();
}

}  // namespace shootdown::testing
