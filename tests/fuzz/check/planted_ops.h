// Faults to plant: operations that break one rule each, and the same operations done right. They
// are kernel code like any other: written with the kernel's own functions, and registered by name.
//
//   planted_hold / _remember H     H names the caller's mm; with / without a reference (mm_count)
//   planted_get H, planted_put H   mmget_not_zero / mmput of H's mm
//   ... and the faults, in planted_{reference,context,page,call}_ops.cc, each beside its twin.
#ifndef SHOOTDOWN_TESTS_FUZZ_CHECK_PLANTED_OPS_H_
#define SHOOTDOWN_TESTS_FUZZ_CHECK_PLANTED_OPS_H_

namespace shootdown::testing {

// Registers them; later calls do nothing.
void RegisterPlantedOps();

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_CHECK_PLANTED_OPS_H_
