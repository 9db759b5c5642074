// Operations that have a meaning on sparc64 alone.
#include "fuzz/kernel/ops.h"

#include "fuzz/kernel/arch/sparc64/hugetlb.h"
#include "fuzz/kernel/arch/sparc64/lazy_mmu.h"
#include "fuzz/kernel/arch/sparc64/perf_event.h"
#include "fuzz/kernel/arch/sparc64/trim.h"
#include "fuzz/kernel/arch/sparc64/tsb_grow.h"
#include "fuzz/kernel/arch/sparc64/window.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

using namespace sparc64;  // NOLINT(google-build-using-namespace): they are this file's subject

// A thread that dies with windows of its callers in registers. Nothing in do_exit writes them out,
// so the kernel spills them when it needs the room, which may be after the thread has left its mm.
// `flushed` is the repair: flushw first.
enum ExitVersion { kFlushed, kLeft };
VersionSwitch exit_version(
    "sparc64.exit_windows", {"flushed", "left"},
    "Linux 4.19 kernel/exit.c do_exit, arch/sparc/kernel/process_64.c exit_thread");

void ExitWithWindows(VirtPage va, int count) {
  LeaveWindows(va, count);
  if (exit_version.value() == kFlushed) SpillAllWindows();
  exit_mm();
  SpillAllWindows();
  do_task_dead();
}

using Who = OpSpec::Who;
constexpr std::string_view kArch = "sparc64";

void RegisterWindowOps() {
  // Window traps hold off cross calls that count as done when they are accepted: a window that hardware
  // has, so not every machine is clean with them.
  RegisterOp(
      {.name = "spill",
       .usage = "spill PAGE [COUNT]",
       .what = "a window trap stores to the stack COUNT times, with all interrupts off",
       .who = Who::kUser,
       .args = {ArgKind::kPage, ArgKind::kCount},
       .optional = 1,
       .run = [](const BoundOp& op) { SpillTrap(PageArg(op, 0), static_cast<int>(op.args[1])); },
       .arch = kArch,
       .use = OpUse::kTrap});
  RegisterOp(
      {.name = "exit_with_windows",
       .usage = "exit_with_windows PAGE [COUNT]",
       .what = "exit, with register windows left whose stack is in PAGE and those after it",
       .who = Who::kUser,
       .args = {ArgKind::kPage, ArgKind::kCount},
       .optional = 1,
       .run =
           [](const BoundOp& op) { ExitWithWindows(PageArg(op, 0), static_cast<int>(op.args[1])); },
       .arch = kArch,
       .use = OpUse::kTrapLast});
}

// What changes ptes, and what changes how they are found.
void RegisterMmuOps() {
  RegisterOp({.name = "hugetlb_setup",
              .usage = "hugetlb_setup",
              .what = "changes the page sizes of the caller's context, and flushes it",
              .who = Who::kUser,
              .run = [](const BoundOp&) { hugetlb_setup(); },
              .arch = kArch});
  RegisterOp({.name = "kernel_ptes",
              .usage = "kernel_ptes PTES",
              .what = "changes kernel ptes in lazy mmu mode, without a page table lock",
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { apply_to_kernel_ptes(ObjectArg<KernelPtes>(op, 0)); },
              .object = &ObjectOf<KernelPtes>,
              .arch = kArch});
  RegisterOp({.name = "unmap_one_page",
              .usage = "unmap_one_page PAGE",
              .what = "clears one pte outside of lazy mmu mode, and frees the page",
              .who = Who::kUser,
              .args = {ArgKind::kPage},
              .run = [](const BoundOp& op) { unmap_one_page(PageArg(op, 0)); },
              .arch = kArch});
  RegisterOp({.name = "tsb_grow",
              .usage = "tsb_grow TABLE",
              .what = "the caller's mm gets a new TSB, and the old one is freed",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { tsb_grow(ObjectArg<SpareTsb>(op, 0)); },
              .object = &ObjectOf<SpareTsb>,
              .arch = kArch});
}

// What other CPUs, and NMIs, have to do with an mm.
void RegisterCpuOps() {
  RegisterOp({.name = "trim_mm_cpumask",
              .usage = "trim_mm_cpumask",
              .what = "asks the other CPUs of the caller's mm to leave it if they only borrow it",
              .who = Who::kUser,
              .run = [](const BoundOp&) { TrimOnly(READ_ONCE(current()->mm)); },
              .arch = kArch});
  RegisterOp({.name = "perf_event_open",
              .usage = "perf_event_open PAGE",
              .what = "in a setup: each NMI looks at PAGE, the stack of what it interrupted",
              .args = {ArgKind::kPage},
              .run = [](const BoundOp& op) { perf_event_open(PageArg(op, 0)); },
              .arch = kArch,
              .use = OpUse::kSetup});
}

}  // namespace

void RegisterSparc64Ops() {
  RegisterWindowOps();
  RegisterMmuOps();
  RegisterCpuOps();
}

}  // namespace shootdown::kernel
