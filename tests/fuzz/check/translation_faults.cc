#include "tests/fuzz/check/planted_faults.h"

namespace shootdown::testing {
namespace {

// The kernel thread has the mm by then, but has not used it yet.
const std::string kSeedAfterSwitch = kFlusherHasLooked + "T1@[user_access: load user page]>C0";

// The second thread is between two stores of a window trap.
const std::string kInsideSpill = "T0@1>C1 T1@[user_access_nofault: store user page]+1>C0";

// The page table gets a level more while CPU 1 switches to another thread.
const Tasks kTableGrows = {
    User({.name = "app", .cpu = 0, .ops = "upgrade_page_table", .process = "p"}),
    User({.name = "other", .cpu = 1, .ops = "yield"}),
    User({.name = "peer", .cpu = 1, .ops = "yield", .process = "p"}),
};

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
    User({.name = "app",
          .cpu = 1,
          .setup = "xen_pv_guest; mmap A; touch A; migrate 0",
          .ops = "exit"}),
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
    User({.name = "app", .ops = "membarrier_global sb"}),
    Kthread({.name = "kt", .cpu = 1, .ops = "membarrier_kthread sb app"}),
};
const std::string kStoreIsHeld =
    "T0@0>C1 T1@[Peer: litmus->y]~hold(0) T1@[kthread_unuse_mm: spin_lock(&tsk->alloc_lock)]>C0";

}  // namespace

std::vector<PlantedFault> TranslationFaults() {
  return {
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
      {.name = "T3_ProtectionTakesNothingFromReaders",
       .check = "use_after_promise",
       .says = {"peer on CPU 1 stored to page A of mm1", "system call"},
       .fault = Threads("planted_promise_protection A", "write A"),
       .twin = Threads("planted_promise_protection A", "touch A"),
       .off = {"differential_read"}},
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
       .says = {"a store to physical page 0"},
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

      {.name = "T9_TornContext",
       .check = "torn_context",
       .says = {"CPU 1", "page table of 3 levels of mm1", "bits that say 4"},
       .fault = kTableGrows,
       .twin = kTableGrows,
       .fault_version = {{"s390.asce", "two_words"}},
       .schedule = "T0@[crst_table_upgrade: pgd]>C1",
       .twin_schedule = "T0@[crst_table_upgrade: asce]+1>C1",
       .arch = "s390"},
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
      {.name = "X1_ProtectionIsForgotten",
       .check = "differential_read",
       .says = {"peer on CPU 1 wrote page A of mm1 in physical page 0", "a write fault"},
       .fault = Threads("planted_forget_protection A", "write A"),
       .twin = Threads("planted_forget_protection A", "touch A")},
      {.name = "X1_TheOtherPageIsNamed",
       .check = "differential_read",
       .says = {"peer on CPU 1 read page A of mm1 in physical page 0", "it would have met physical page 2"},
       .fault = Threads("planted_replace_page A", "touch A"),
       .twin = Threads("planted_replace_and_flush A", "touch A")},
      // Before the operation returns, nobody is promised anything.
      {.name = "X1_OldAndNewAreRightUntilTheReturn",
       .check = "differential_read",
       .says = {"page A of mm1"},
       .fault = Threads("planted_forget_to_flush A; yield", "touch A; touch A"),
       .twin = Threads("planted_forget_to_flush A; yield", "touch A"),
       .schedule = "T0@[ForgetToFlush: spin_unlock(&mm->page_table_lock)]>C1 "
                   "T1@[user_access: load user page]+1>C0",
       .twin_schedule = "T0@[ForgetToFlush: spin_unlock(&mm->page_table_lock)]>C1"},

  };
}

}  // namespace shootdown::testing
