#include "tests/fuzz/check/planted_faults.h"

namespace shootdown::testing {
namespace {

// The kernel thread is in the middle of the switch, and has found its bit set.
const std::string kSeedInsideSwitch =
    kFlusherHasLooked + "T1@[switch_mm: spin_unlock(&mm->context.lock)]>C0";

// CPU 2 has been left behind; the kernel thread comes to the mm on a CPU that has never run it.
const Tasks kTrimmedTasks = {
    User({.name = "app",
          .cpu = 2,
          .setup = "mmap A; touch A; io_uring_setup ring; migrate 0",
          .ops = "io_uring_submit ring read A; munmap A"}),
    Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"}),
};

// A process that a holder names, and a kernel thread on the same CPU that acts when it is gone.
Tasks GoneAnd(const std::string& kthread_ops, const std::string& setup = "planted_hold h") {
  return {User({.name = "app", .setup = setup, .ops = "exit"}),
          Kthread({.name = "kt", .ops = "yield; " + kthread_ops})};
}

// A kernel thread has the last mm_users reference.
Tasks LastPut(const std::string& put) {
  return {User({.name = "app", .setup = "planted_hold h; planted_get h", .ops = "exit"}),
          Kthread({.name = "kt", .ops = "yield; " + put + " h"})};
}

}  // namespace

std::vector<PlantedFault> MaskAndCountFaults() {
  return {
      {.name = "K1_BitOfARunningCpuIsCleared",
       .check = "cpumask_lost_bit",
       .says = {"CPU 1 runs peer on mm1", "{0}"},
       .fault = Threads("planted_wipe_mask"),
       .twin = OneTask("planted_wipe_mask", "migrate 1; migrate 0")},
      // Nobody is told of the store; the next access of the CPU without a bit shows it.
      {.name = "K1_BitIsMissingAtAnAccess",
       .check = "cpumask_lost_bit",
       .says = {"CPU 1 runs peer on mm1", "{0}"},
       .fault = Threads("planted_wipe_mask_silently", "touch A"),
       .twin = Threads("", "touch A")},
      {.name = "K2_BitGoesAfterItsTest",
       .check = "cpumask_missed_entry",
       .says = {"CPU 1", "switch_mm", "page A of mm1"},
       .fault = kSeedTasks,
       .twin = kSeedTasks,
       .fault_version = kTrim,
       .schedule = kSeedInsideSwitch,
       .twin_schedule = kTwinSchedule},
      {.name = "K3_FlusherClearsOthers",
       .check = "cpumask_foreign_clear",
       .says = {"CPU 0 cleared bits {1} of mm_cpumask(mm1)"},
       .fault = OneTask("munmap A", "mmap A; touch A; migrate 1; migrate 0"),
       .twin = OneTask("munmap A", "mmap A; touch A; migrate 1; migrate 0"),
       .fault_version = kTrim},
      {.name = "K3_LazyCpuMayClearItself",
       .check = "cpumask_foreign_clear",
       .says = {"CPU 0 cleared bits {1} of mm_cpumask(mm1)"},
       .fault = {User({.name = "app",
                       .cpu = 0,
                       .setup = "migrate 1; planted_hold h; migrate 0",
                       .ops = "planted_wipe_mask"}),
                 Kthread({.name = "kt", .cpu = 1})},
       .twin = {User({.name = "app", .cpu = 0, .setup = "migrate 1; planted_hold h; migrate 0"}),
                Kthread({.name = "kt", .cpu = 1, .ops = "planted_leave_mask h"})}},
      // A new number clears the mask, while another CPU still has the mm loaded. K1 comes first.
      {.name = "K3_NewContextUnderARunningCpu",
       .check = "cpumask_foreign_clear",
       .says = {"mm_cpumask(mm1)", "new context", "CPU 1"},
       .fault = Threads("planted_renumber"),
       .twin = OneTask("planted_renumber"),
       .off = {"cpumask_lost_bit"}},
      {.name = "K5_TsbFreedInUse",
       .check = "tsb_freed_in_use",
       .says = {"TSB of mm1", "CPU 1 runs peer"},
       .fault = Threads("planted_replace_tsb spare"),
       .twin = Threads("planted_replace_tsb_and_sync spare")},

      {.name = "R1_UsersComeBackFromZero",
       .check = "refcount_range",
       .says = {"mm_users of mm1 came back from 0"},
       .fault = GoneAnd("planted_get_without_looking h"),
       .twin = GoneAnd("planted_get_and_put h"),
       .role = "kthread"},
      // R3 sees the first mistake: the task still has the mm.
      {.name = "R1_UsersBelowZero",
       .check = "refcount_range",
       .says = {"mm_users of mm1 went below 0, to -1"},
       .fault = OneTask("planted_put_twice; exit", "planted_hold h"),
       .twin = OneTask("planted_put_once; exit", "planted_hold h"),
       .off = {"mm_use_after_free"}},
      // Whoever joins has set its bit, and is counted after the flusher has reset both.
      {.name = "K6_ActiveCpus",
       .check = "active_cpus",
       .says = {"active_cpus of mm1 is 2", "mm_cpumask is {0}"},
       .fault = kTrimmedTasks,
       .twin = kTrimmedTasks,
       .off = {"cpumask_lost_bit", "use_after_flush"},
       .fault_version = {{"powerpc64.exit_flush_lazy_tlbs", "sender_resets_mask"}},
       .schedule = "T1@[switch_mm_irqs_off: active_cpus]>C2",
       .twin_schedule = "T1@[switch_mm_irqs_off: active_cpus]>C2",
       .cpus = 3,
       .arch = "powerpc64"},
      {.name = "R2_CountLeaks",
       .check = "refcount_conservation",
       .says = {"mm_count of mm1 is 2", "add up to 1"},
       .fault = OneTask("planted_leak_count"),
       .twin = OneTask("planted_grab_and_drop")},
      {.name = "R2_FewerUsersThanThreads",
       .check = "refcount_conservation",
       .says = {"mm_users of mm1 is 1", "2 threads"},
       .fault = Threads("planted_put_twice"),
       .twin = Threads("planted_put_once")},
      {.name = "R3_UsersReachZeroUnderATask",
       .check = "mm_use_after_free",
       .says = {"mm_users of mm1 reached 0 while app has it as its mm"},
       .fault = OneTask("planted_put_twice"),
       .twin = OneTask("planted_put_once")},
      // The kernel thread runs right after the process has gone, and has borrowed its mm.
      {.name = "R3_CountReachesZeroUnderALazyTask",
       .check = "mm_use_after_free",
       .says = {"mm_count of mm1 reached 0 while kt has it as its active_mm"},
       .fault = GoneAnd("planted_drop_borrowed", ""),
       .twin = GoneAnd("yield", ""),
       .role = "kthread"},
      {.name = "R3_FreedMmIsTouched",
       .check = "mm_use_after_free",
       .says = {"mm1 was touched after it was freed", "TouchMm"},
       .fault = {User({.name = "app", .setup = "planted_remember h", .ops = "exit"}),
                 Other(0, "yield; planted_touch_mm h")},
       .twin = {User({.name = "app", .setup = "planted_hold h", .ops = "exit"}),
                Other(0, "yield; planted_touch_mm h")}},
      {.name = "R4_UseMmWithoutUser",
       .check = "use_mm_without_user",
       .says = {"kt takes on mm1", "mm_users is 0"},
       .fault = GoneAnd("planted_use_mm h"),
       .twin = GoneAnd("planted_use_mm_with_user h"),
       .role = "kthread"},
      {.name = "R5_LastMmputUnderASpinlock",
       .check = "mmput_in_atomic",
       .says = {"the last mmput of mm1", "1 spinlocks held"},
       .fault = LastPut("planted_put_under_spinlock"),
       .twin = LastPut("planted_put"),
       .role = "kthread"},
      {.name = "R5_LastMmputWithIrqsOff",
       .check = "mmput_in_atomic",
       .says = {"the last mmput of mm1", "may not sleep"},
       .fault = LastPut("planted_put_with_irqs_off"),
       .twin = LastPut("planted_put"),
       .role = "kthread"},
      {.name = "R5_LastMmputInAnInterrupt",
       .check = "mmput_in_atomic",
       .says = {"the last mmput of mm1", "an interrupt handler"},
       .fault = LastPut("planted_put_in_interrupt"),
       .twin = LastPut("planted_put"),
       .role = "idle+irq"},
      {.name = "R6_PageFreedWhileMapped",
       .check = "page_freed_while_mapped",
       .says = {"physical page 0", "mm1 maps it at page A"},
       .fault = OneTask("planted_put_page A"),
       .twin = OneTask("planted_get_and_put_page A")},

  };
}

}  // namespace shootdown::testing
