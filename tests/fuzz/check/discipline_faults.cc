#include "tests/fuzz/check/planted_faults.h"

namespace shootdown::testing {
namespace {

// A kernel thread takes on an mm that its CPU has not had, and the process trims.
const Tasks kJoinTasks = {
    User({.name = "app",
          .cpu = 0,
          .setup = "mmap A; touch A; io_uring_setup ring",
          .ops = "io_uring_submit ring read A; trim_mm_cpumask"}),
    Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"}),
};

// The process is gone; CPU 1's idle task borrows its mm, and nobody else has it.
const Tasks kLastBorrowerGoesDown = {
    User({.name = "app", .cpu = 1, .setup = "mmap A; touch A", .ops = "exit"}),
    Kthread({.name = "ctl", .cpu = 0, .ops = "cpu_down 1"}),
};

}  // namespace

std::vector<PlantedFault> DisciplineFaults() {
  return {
      {.name = "L8_FreedOffline",
       .check = "freed_offline",
       .says = {"mm1 is freed by CPU 1, which is offline"},
       .fault = kLastBorrowerGoesDown,
       .twin = kLastBorrowerGoesDown,
       .fault_version = {{"mm.idle_task_exit", "dying_cpu_drops"}},
       .role = "idle"},
      {.name = "L1_CallWithIrqsOff",
       .check = "call_function_context",
       .says = {"smp_call_function_many", "interrupts off"},
       .fault = OneTask("planted_call_with_irqs_off"),
       .twin = OneTask("planted_call")},
      {.name = "L1_CallWithPreemptionOn",
       .check = "call_function_context",
       .says = {"smp_call_function_many", "preemption on"},
       .fault = OneTask("planted_call_with_preemption"),
       .twin = OneTask("planted_call")},
      {.name = "L1_CallInAnInterrupt",
       .check = "call_function_context",
       .says = {"smp_call_function_many", "interrupt handler"},
       .fault = OneTask("planted_call_in_interrupt"),
       .twin = OneTask("planted_call"),
       .role = "idle+irq"},
      {.name = "L2_MmSwitchIrqsOn",
       .check = "mm_switch_irqs_on",
       .says = {"sq changes mm"},
       .fault = kSeedTasks,
       .twin = kSeedTasks,
       .fault_version = {{"mm.kthread_use_mm", "v4_19"}},
       .role = "kthread"},
      {.name = "L3_TwoSpinlocksInOppositeOrder",
       .check = "deadlock",
       .says = {"CPU 0 (T0) waits in LockTwo", "CPU 1 (T1) waits in LockTwo"},
       .fault = {User({.name = "app", .cpu = 0, .ops = "planted_lock_two x y"}),
                 User({.name = "peer", .cpu = 1, .ops = "planted_lock_two y x"})},
       .twin = {User({.name = "app", .cpu = 0, .ops = "planted_lock_two x y"}),
                User({.name = "peer", .cpu = 1, .ops = "planted_lock_two x y"})},
       .schedule = "T0@1>C1",
       .twin_schedule = "T0@1>C1"},
      {.name = "L3_SleepingLockIsNeverReleased",
       .check = "deadlock",
       .says = {"peer sleeps in do_mmap: mmap_write_lock(mm)"},
       .fault = Threads("planted_keep_mmap_lock", "mmap C"),
       .twin = Threads("planted_take_mmap_lock", "mmap C")},
      {.name = "L3_TaskWaitsForAThreadThatIsNotThere",
       .check = "deadlock",
       .says = {"CPU 0 (T0) waits in io_uring_close: ctx->thread_gone"},
       .fault = OneTask("io_uring_close ring", "io_uring_setup ring"),
       .twin = {User({.name = "app", .setup = "io_uring_setup ring", .ops = "io_uring_close ring"}),
                Kthread({.name = "sq", .ops = "io_sq_thread ring"})}},
      {.name = "Livelock",
       .check = "livelock",
       .says = {"not done after 1000 steps"},
       .fault = OneTask("planted_spin_until_set flag", ""),
       .twin = OneTask("planted_set flag; planted_spin_until_set flag", ""),
       .steps = 1'000},
      // CPU 1 has not gone on since the first cross call, which keeps its one register busy.
      {.name = "L4_XcallIsGivenUp",
       .check = "xcall_abandoned",
       .says = {"app on CPU 0 gives up a cross call to CPU 1", "xcall_flush_tlb_mm"},
       .fault = Threads("flush_tlb_mm; flush_tlb_mm"),
       .twin = Threads("flush_tlb_mm; flush_tlb_mm"),
       .fault_version = {{"sparc64.xcall_stuck", "abandon"}},
       .sun4u = true},
      // The handler finds the mm loaded and nobody who runs it, since that is said too late.
      {.name = "L5_RunsOnAnMmThatIsNotLoaded",
       .check = "secondary_mm_mismatch",
       .says = {"sq runs on mm1 on CPU 1", "the hardware has init_mm"},
       .fault = kJoinTasks,
       .twin = kJoinTasks,
       .fault_version = {{"sparc64.flush", "ipi_trim"}, {"trim.W5", "on"}},
       .schedule = "T0@[TrimOnly: mm->context.sparc64_ctx_val]>C1 T1@[kthread_use_mm: tsk->mm]>C0",
       .role = "kthread"},
      {.name = "L5_SecondaryMmMismatch",
       .check = "secondary_mm_mismatch",
       .says = {"per_cpu_secondary_mm of CPU 1 is mm2", "the hardware has mm1"},
       .fault = {User({.name = "app", .cpu = 0, .setup = "planted_hold h"}), Other(1),
                 Kthread({.name = "kt", .cpu = 1, .ops = "planted_use_mm_unlisted h"})},
       .twin = {User({.name = "app", .cpu = 0, .setup = "planted_hold h"}), Other(1),
                Kthread({.name = "kt", .cpu = 1, .ops = "planted_use_mm_listed h"})},
       .role = "kthread"},
      {.name = "L6_TlbBatchLeak",
       .check = "tlb_batch_leak",
       .says = {"CPU 0 leaves a lazy mmu section", "0 pages", "active=1"},
       .fault = {OneTask("planted_yield_in_lazy_mode")[0], Other(0)},
       .twin = {OneTask("planted_yield_after_lazy_mode")[0], Other(0)}},
      {.name = "L7_FlushArgumentReused",
       .check = "flush_argument_reused",
       .says = {"list of pages to flush", "1 CPUs have not read it"},
       .fault = Threads("planted_flush_without_wait"),
       .twin = Threads("planted_flush_with_wait")},
  };
}

}  // namespace shootdown::testing
