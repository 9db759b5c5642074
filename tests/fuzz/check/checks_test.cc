// For each check: a planted fault on which it fires, and a twin, the same thing done right, on
// which it stays silent. Faults are operations of planted_ops.cc, or old versions of kernel code.
//
// Several checks judge one event, and the first in the order of AllChecks() is the one that
// reports. Where a fault breaks the rules of two, `off` names the others, so that the row is about
// its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "fuzz/check/check.h"
#include "tests/fuzz/check/planted_ops.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {
namespace {

using ::testing::HasSubstr;
using Tasks = std::vector<TaskSpec>;

struct Case {
  std::string name;   // of the test
  std::string check;  // that fires
  // Parts of the message: the objects that it is about.
  std::vector<std::string> says;
  Tasks fault;
  Tasks twin;
  std::vector<std::string> off = {};
  std::vector<VersionChoice> fault_version = {};  // the twin runs the default version
  std::string schedule = "";                      // of the fault
  std::string twin_schedule = "";
  int cpus = 2;
  int tlb_sharing = 1;
  std::string role = "user";
  std::uint32_t steps = 20'000;
  bool sun4u = false;
  std::string arch = "sparc64";
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// The seed: an io_uring kernel thread takes on an mm between a flusher's look at mm_users and its
// clearing of mm_cpumask (bafb056ce279).
const Tasks kSeedTasks = {
    User({.name = "app",
          .cpu = 1,
          .setup = "mmap A; touch A; io_uring_setup ring; migrate 0",
          .ops = "io_uring_submit ring read A; munmap A"}),
    Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"}),
};
const std::vector<VersionChoice> kTrim = {{"sparc64.flush", "trim_if_single_user"}};
// The flusher has found one user, and is about to clear the others' bits.
const std::string kFlusherHasLooked = "T0@[smp_flush_tlb_page: mm->mm_users]+1>C1 ";
// The kernel thread has the mm by then, but has not used it yet.
const std::string kSeedAfterSwitch = kFlusherHasLooked + "T1@[user_access: load user page]>C0";
// The kernel thread is in the middle of the switch, and has found its bit set.
const std::string kSeedInsideSwitch =
    kFlusherHasLooked + "T1@[switch_mm: spin_unlock(&mm->context.lock)]>C0";
// The twin's flusher does not look at mm_users at all.
const std::string kTwinSchedule = "T0@[smp_flush_tlb_page: mm->mm_cpumask]>C1";

// A kernel thread takes on an mm that its CPU has not had, and the process trims.
const Tasks kJoinTasks = {
    User({.name = "app",
          .cpu = 0,
          .setup = "mmap A; touch A; io_uring_setup ring",
          .ops = "io_uring_submit ring read A; trim_mm_cpumask"}),
    Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"}),
};

// The second thread is between two stores of a window trap.
const std::string kInsideSpill = "T0@1>C1 T1@[user_access_nofault: store user page]+1>C0";

// CPU 2 has been left behind; the kernel thread comes to the mm on a CPU that has never run it.
const Tasks kTrimmedTasks = {
    User({.name = "app",
          .cpu = 2,
          .setup = "mmap A; touch A; io_uring_setup ring; migrate 0",
          .ops = "io_uring_submit ring read A; munmap A"}),
    Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"}),
};

// The page table gets a level more while CPU 1 switches to another thread.
const Tasks kTableGrows = {
    User({.name = "app", .cpu = 0, .ops = "upgrade_page_table", .process = "p"}),
    User({.name = "other", .cpu = 1, .ops = "yield"}),
    User({.name = "peer", .cpu = 1, .ops = "yield", .process = "p"}),
};

// The process is gone; CPU 1's idle task borrows its mm, and nobody else has it.
const Tasks kLastBorrowerGoesDown = {
    User({.name = "app", .cpu = 1, .setup = "mmap A; touch A", .ops = "exit"}),
    Kthread({.name = "ctl", .cpu = 0, .ops = "cpu_down 1"}),
};

// A second process on the same CPU, which makes the idle task give up what it has borrowed.
TaskSpec Other(int cpu, const std::string& ops = "") {
  return User({.name = "other", .cpu = cpu, .ops = ops});
}

// Two threads of one process, on CPUs 0 and 1.
Tasks Threads(const std::string& app_ops, const std::string& peer_ops = "",
              const std::string& setup = "mmap A 2; touch A; touch B") {
  return {User({.name = "app", .cpu = 0, .setup = setup, .ops = app_ops, .process = "p"}),
          User({.name = "peer", .cpu = 1, .setup = "touch A", .ops = peer_ops, .process = "p"})};
}
Tasks OneTask(const std::string& ops, const std::string& setup = "mmap A; touch A") {
  return {User({.name = "app", .setup = setup, .ops = ops})};
}
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
Tasks TwoProcesses(const std::string& second_ops) {
  return {User({.name = "first", .cpu = 0, .setup = "planted_hold h; mmap A; touch A"}),
          User({.name = "second", .cpu = 0, .setup = "mmap A", .ops = second_ops})};
}

// CPU 1 is lazy on the mm of `app`, and its walker remembers the page table.
const Tasks kLazyWalker = {
    User({.name = "app", .cpu = 1, .setup = "mmap A; touch A; migrate 0", .ops = "munmap A"}),
    Kthread({.name = "kt", .cpu = 1, .ops = "yield; yield"}),
};
const std::string kTableFreed = "T0@[inc_mm_tlb_gen: tlb_gen]>C1 T1@0~walk(0)";

// CPU 1 is lazy on the mm of `app`, and patches kernel code while that exits.
const Tasks kLazyPatcher = {
    User({.name = "app", .cpu = 1, .setup = "xen_pv_guest; mmap A; touch A; migrate 0", .ops = "exit"}),
    Kthread({.name = "patcher", .cpu = 1, .ops = "text_poke"}),
};
const std::string kPatchesMeanwhile = "T0@0>C1 T1@16>C0";

// A thread writes a file out, and stores to it again, while another one unmaps it.
const Tasks kWriteback = {
    User({.name = "a",
          .cpu = 0,
          .setup = "file_mmap file A; write A",
          .ops = "munmap A",
          .process = "p"}),
    User({.name = "b",
          .cpu = 1,
          .setup = "write A",
          .ops = "file_writeback file; write A",
          .process = "p"}),
};
const std::string kPteIsGone = "T0@[anon_vma_unlink: spin_lock(&anon_vma->lock)]>C1";

// A kernel thread's store to user memory waits in the store buffer when membarrier comes by.
const Tasks kLitmus = {
    User({.name = "app", .ops = "membarrier_caller sb"}),
    Kthread({.name = "kt", .cpu = 1, .ops = "membarrier_kthread sb app"}),
};
const std::string kStoreIsHeld =
    "T0@0>C1 T1@[Peer: litmus->y]~hold(0) T1@[kthread_unuse_mm: spin_lock(&tsk->alloc_lock)]>C0";

const std::vector<Case>& Cases() {
  RegisterPlantedOps();
  static const std::vector<Case> cases = {
      // T1 to T3 judge the same access in turn.
      {.name = "T1_StaleTlbUse",
       .check = "stale_tlb_use",
       .says = {"sq on CPU 1", "page A of mm1", "physical page 0"},
       .fault = kSeedTasks,
       .twin = kSeedTasks,
       .off = {"cpumask_lost_bit", "cpumask_missed_entry", "use_after_flush"},
       .fault_version = kTrim,
       .schedule = kSeedAfterSwitch,
       .twin_schedule = kTwinSchedule,
       .role = "kthread"},
      {.name = "T2_UseAfterFlush",
       .check = "use_after_flush",
       .says = {"sq on CPU 1", "page A of mm1", "whose flush is complete"},
       .fault = kSeedTasks,
       .twin = kSeedTasks,
       .off = {"cpumask_lost_bit", "cpumask_missed_entry", "stale_tlb_use"},
       .fault_version = kTrim,
       .schedule = kSeedAfterSwitch,
       .twin_schedule = kTwinSchedule,
       .role = "kthread"},
      {.name = "T3_UseAfterPromise",
       .check = "use_after_promise",
       .says = {"sq on CPU 1", "page A of mm1", "system call"},
       .fault = kSeedTasks,
       .twin = kSeedTasks,
       .off = {"cpumask_lost_bit", "cpumask_missed_entry", "stale_tlb_use", "use_after_flush"},
       .fault_version = kTrim,
       .schedule = kSeedAfterSwitch,
       .twin_schedule = kTwinSchedule,
       .role = "kthread"},
      {.name = "T4_ForeignTlbEntry",
       .check = "foreign_tlb_entry",
       .says = {"second on CPU 0", "runs on mm2", "page A", "entry of mm1", "context 1"},
       .fault = TwoProcesses("planted_take_number h; touch A"),
       .twin = TwoProcesses("planted_take_number_and_flush h; touch A"),
       .off = {"context_collision"}},
      // A lazy CPU's walker comes by when the table has been freed, and is not flushed yet.
      {.name = "T8_FreedTableWalk",
       .check = "freed_table_walk",
       .says = {"the walker of CPU 1", "page A of mm1", "physical page 0"},
       .fault = kLazyWalker,
       .twin = kLazyWalker,
       .fault_version = {{"mm.tlb_remove_table", "at_once_if_single_user"}},
       .schedule = kTableFreed,
       .twin_schedule = kTableFreed,
       .role = "kthread",
       .arch = "x86_64"},
      {.name = "P1_HypercallRefused",
       .check = "hypercall_refused",
       .says = {"a hypercall of CPU 1", "page table of mm1"},
       .fault = kLazyPatcher,
       .twin = kLazyPatcher,
       .fault_version = {{"x86.use_temporary_mm", "stay_lazy"}},
       .schedule = kPatchesMeanwhile,
       .twin_schedule = kPatchesMeanwhile,
       .role = "kthread",
       .arch = "x86_64"},
      {.name = "D3_WriteLost",
       .check = "write_lost",
       .says = {"1 stores", "physical page 0"},
       .fault = kWriteback,
       .twin = kWriteback,
       .fault_version = {{"mm.zap_dirty", "flush_later"}},
       .schedule = kPteIsGone,
       .twin_schedule = kPteIsGone,
       .arch = "x86_64"},
      {.name = "M1_MembarrierFailed",
       .check = "membarrier_failed",
       .says = {"membarrier returned"},
       .fault = kLitmus,
       .twin = kLitmus,
       .fault_version = {{"mm.membarrier", "skip_kthreads"}},
       .schedule = kStoreIsHeld,
       .twin_schedule = kStoreIsHeld,
       .role = "user"},
      {.name = "T5_ContextMismatch",
       .check = "context_mismatch",
       .says = {"CPU 1 runs mm1 with context 1", "its number is 2"},
       .fault = Threads("planted_renumber; migrate 2"),
       .twin = Threads("planted_renumber_and_tell; migrate 2"),
       .off = {"cpumask_lost_bit"},
       .cpus = 3},
      // In the middle of a trap, with interrupts off, CPU 1 cannot be told.
      {.name = "T5_OldPageSizesAreUsed",
       .check = "context_mismatch",
       .says = {"peer on CPU 1 uses mm1 with the page sizes of before"},
       .fault = Threads("hugetlb_setup", "spill A 3"),
       .twin = Threads("hugetlb_setup", "spill A 3"),
       .fault_version = {{"sparc64.hugetlb_setup", "no_wait"}},
       .schedule = kInsideSpill,
       .twin_schedule = kInsideSpill},
      {.name = "T6_TwoValidMmsWithOneNumber",
       .check = "context_collision",
       .says = {"mm1 and mm2 both have context number 1"},
       .fault = TwoProcesses("planted_take_number h; migrate 1"),
       .twin = TwoProcesses("migrate 1")},
      // The number of a CPU that runs on is given out again: the shared TLB serves it for both.
      {.name = "T6_OneNumberLoadedTwiceOnASharedTlb",
       .check = "context_collision",
       .says = {"CPUs 0 and 1 share a TLB", "context 2 loaded for mm2 and mm1"},
       .fault = {User({.name = "first", .cpu = 1}),
                 User({.name = "second",
                       .cpu = 0,
                       .ops = "planted_wrap_alone; planted_renumber; planted_renumber; yield"}),
                 Kthread({.name = "kt", .cpu = 0, .ops = "yield"})},
       .twin = {User({.name = "first", .cpu = 1}),
                User({.name = "second",
                      .cpu = 0,
                      .ops = "planted_wrap; planted_renumber; planted_renumber; yield"}),
                Kthread({.name = "kt", .cpu = 0, .ops = "yield"})},
       .tlb_sharing = 2,
       .role = "kthread"},
      {.name = "T7_NumberZeroIsFree",
       .check = "context_bitmap",
       .says = {"number 0"},
       .fault = OneTask("planted_free_number_zero; planted_renumber"),
       .twin = OneTask("planted_renumber")},
      {.name = "T7_NumberInUseIsMarkedFree",
       .check = "context_bitmap",
       .says = {"mm1 has number 2", "marked free"},
       .fault = OneTask("planted_renumber_unmarked"),
       .twin = OneTask("planted_renumber")},

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
      {.name = "T9_TornContext",
       .check = "torn_context",
       .says = {"CPU 1", "page table of 3 levels of mm1", "bits that say 4"},
       .fault = kTableGrows,
       .twin = kTableGrows,
       .fault_version = {{"s390.asce", "two_words"}},
       .schedule = "T0@[crst_table_upgrade: pgd]>C1",
       .twin_schedule = "T0@[crst_table_upgrade: asce]+1>C1",
       .arch = "s390"},
      {.name = "L8_FreedOffline",
       .check = "freed_offline",
       .says = {"mm1 is freed by CPU 1, which is offline"},
       .fault = kLastBorrowerGoesDown,
       .twin = kLastBorrowerGoesDown,
       .fault_version = {{"mm.idle_task_exit", "dying_cpu_drops"}},
       .role = "idle"},
      // Whoever joins has set its bit, and is counted after the flusher has reset both.
      {.name = "K6_ActiveCpus",
       .check = "active_cpus",
       .says = {"active_cpus of mm1 is 2", "mm_cpumask is {0}"},
       .fault = kTrimmedTasks,
       .twin = kTrimmedTasks,
       .off = {"cpumask_lost_bit", "use_after_flush"},
       .fault_version = {{"powerpc64.exit_flush_lazy_tlbs", "sender_resets_mask"}},
       .schedule = "T1@[switch_mm_irqs_off: ContextOf(next).active_cpus]>C2",
       .twin_schedule = "T1@[switch_mm_irqs_off: ContextOf(next).active_cpus]>C2",
       .cpus = 3,
       .role = "kthread",
       .arch = "powerpc64"},
      {.name = "R2_CountLeaks",
       .check = "refcount_conservation",
       .says = {"mm_count of mm1 is 2", "add up to 1"},
       .fault = OneTask("planted_leak_count"),
       .twin = OneTask("planted_grab_and_drop"),
       .role = "idle"},
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

      {.name = "X1_FlushIsForgotten",
       .check = "differential_read",
       .says = {"peer on CPU 1 read page A of mm1 in physical page 0", "a page fault"},
       .fault = Threads("planted_forget_to_flush A", "touch A"),
       .twin = Threads("planted_clear_and_flush A", "touch A")},
      {.name = "X1_StoresAreComparedToo",
       .check = "differential_read",
       .says = {"peer on CPU 1 wrote page A of mm1 in physical page 0", "a page fault"},
       .fault = Threads("planted_forget_to_flush A", "write A"),
       .twin = Threads("planted_clear_and_flush A", "write A")},
      // Before the operation returns, nobody is promised anything.
      {.name = "X1_OldAndNewAreRightUntilTheReturn",
       .check = "differential_read",
       .says = {"page A of mm1"},
       .fault = Threads("planted_forget_to_flush A; yield", "touch A; touch A"),
       .twin = Threads("planted_forget_to_flush A; yield", "touch A"),
       .schedule = "T0@[ForgetToFlush: spin_unlock(&mm->page_table_lock)]>C1 "
                   "T1@[user_access: load user page]+1>C0",
       .twin_schedule = "T0@[ForgetToFlush: spin_unlock(&mm->page_table_lock)]>C1"},

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
       .says = {"peer sleeps for a lock"},
       .fault = Threads("planted_keep_mmap_lock", "mmap C"),
       .twin = Threads("planted_take_mmap_lock", "mmap C"),
       .role = "idle"},
      {.name = "L3_TaskWaitsForAThreadThatIsNotThere",
       .check = "deadlock",
       .says = {"CPU 0 (T0) waits in io_uring_close: ctx->thread_gone"},
       .fault = OneTask("io_uring_close ring", "io_uring_setup ring"),
       .twin = {User({.name = "app", .setup = "io_uring_setup ring", .ops = "io_uring_close ring"}),
                Kthread({.name = "sq", .ops = "io_sq_thread ring"})},
       .role = "idle"},
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
  return cases;
}

Scenario ScenarioOf(const Case& c, const Tasks& tasks) {
  Scenario scenario;
  scenario.name = c.name;
  scenario.arch = c.arch;
  scenario.machine.cpu_count = c.cpus;
  scenario.machine.tlb_sharing = c.tlb_sharing;
  scenario.machine.step_count_max = c.steps;
  if (c.sun4u) scenario.machine.mondo_flavour = sim::MondoFlavour::kSun4u;
  scenario.tasks = tasks;
  scenario.checks_off = c.off;
  if (!check::FindCheck(c.check)->on_by_default) scenario.checks_on = {c.check};
  scenario.expected = c.check;
  return scenario;
}

class CheckTest : public ::testing::TestWithParam<Case> {};

TEST_P(CheckTest, FiresOnThePlantedFault) {
  const Case& c = GetParam();
  Scenario scenario = ScenarioOf(c, c.fault);
  scenario.version = c.fault_version;

  const Outcome outcome = RunOnce(scenario, c.schedule);

  EXPECT_EQ(outcome.check, c.check) << outcome.message;
  for (const std::string& part : c.says) EXPECT_THAT(outcome.message, HasSubstr(part));
  EXPECT_EQ(outcome.role, c.role);
}

TEST_P(CheckTest, StaysSilentWhenItIsDoneRight) {
  const Case& c = GetParam();

  const Outcome outcome = RunOnce(ScenarioOf(c, c.twin), c.twin_schedule);

  EXPECT_EQ(outcome.check, "clean") << outcome.message;
}

INSTANTIATE_TEST_SUITE_P(All, CheckTest, ::testing::ValuesIn(Cases()),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return test.param.name;
                         });

TEST(ChecksTest, EveryCheckHasAPlantedFault) {
  std::set<std::string> planted;
  for (const Case& c : Cases()) planted.insert(c.check);

  for (const check::Check* check : check::AllChecks()) {
    EXPECT_TRUE(planted.contains(std::string(check->name))) << check->name;
  }
}

TEST(ChecksTest, IdsAndNamesAreUnique) {
  std::set<std::string_view> ids;
  std::set<std::string_view> names;
  for (const check::Check* check : check::AllChecks()) {
    EXPECT_TRUE(ids.insert(check->id).second) << check->id;
    EXPECT_TRUE(names.insert(check->name).second) << check->name;
    EXPECT_EQ(check::FindCheck(check->name), check);
    EXPECT_FALSE(check->rule.empty()) << check->name;
    EXPECT_FALSE(check->why.empty()) << check->name;
  }
}

TEST(ChecksTest, AnUnknownNameFindsNoCheck) {
  EXPECT_EQ(check::FindCheck("no_such_check"), nullptr);
}

TEST(ChecksTest, ACheckThatIsOffDoesNotJudge) {
  Scenario scenario;
  scenario.expected = "clean";
  scenario.tasks = OneTask("planted_leak_count");
  scenario.checks_off = {"refcount_conservation"};

  EXPECT_EQ(RunOnce(scenario).check, "clean");
}

TEST(ChecksTest, PoliciesAreOffByDefault) {
  std::set<std::string_view> off;
  for (const check::Check* check : check::AllChecks()) {
    if (!check->on_by_default) off.insert(check->name);
  }

  EXPECT_EQ(off, (std::set<std::string_view>{"cpumask_foreign_clear", "mm_switch_irqs_on"}));
}

}  // namespace
}  // namespace shootdown::testing
