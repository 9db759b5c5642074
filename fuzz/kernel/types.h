// The kernel's data. Fields that another CPU can see are Cells; plain fields belong to one CPU or
// one task, or are ghost state: what no kernel keeps, for the judges (fuzz/check).
//
// Names follow Linux. Source: Linux 4.19 and 6.12 include/linux/mm_types.h, sched.h, kernel/sched/
// sched.h; arch/sparc/include/asm/mmu_64.h, tsb.h, tlbflush_64.h.
#ifndef SHOOTDOWN_FUZZ_KERNEL_TYPES_H_
#define SHOOTDOWN_FUZZ_KERNEL_TYPES_H_

#include <cstdint>
#include <string>

#include "fuzz/sim/cell.h"
#include "fuzz/sim/ids.h"
#include "fuzz/sim/tlb.h"

namespace shootdown::kernel {

using sim::Cell;

inline constexpr int kVirtPageCount = 8;  // user pages A .. H of every mm

// A set of CPUs in one word: the machine has at most 64.
struct CpuBits {
  std::uint64_t bits = 0;
  [[nodiscard]] constexpr bool Has(int cpu) const { return (bits >> cpu & 1) != 0; }
  [[nodiscard]] constexpr CpuBits With(int cpu) const { return {bits | std::uint64_t{1} << cpu}; }
  [[nodiscard]] constexpr CpuBits Without(int cpu) const {
    return {bits & ~(std::uint64_t{1} << cpu)};
  }
  friend constexpr bool operator==(CpuBits, CpuBits) = default;
};

// A page table entry: valid, writable, page number.
struct Pte {
  std::uint64_t bits = 0;
  static constexpr std::uint64_t kValid = 1;
  static constexpr std::uint64_t kWrite = 2;
  static constexpr Pte Of(int page, bool writable) {
    return {kValid | (writable ? kWrite : 0) | static_cast<std::uint64_t>(page) << 8};
  }
  [[nodiscard]] constexpr bool valid() const { return (bits & kValid) != 0; }
  [[nodiscard]] constexpr bool writable() const { return (bits & kWrite) != 0; }
  [[nodiscard]] constexpr int page() const { return static_cast<int>(bits >> 8); }
  friend constexpr bool operator==(Pte, Pte) = default;
};

// mm->context.sparc64_ctx_val: bits 0..12 number, bits 22..63 version. 0: never allocated.
struct CtxValue {
  std::uint64_t bits = 0;
  static constexpr std::uint64_t kFirstVersion = std::uint64_t{1} << 22;
  [[nodiscard]] constexpr Ctx number() const { return Ctx(bits & 0x1fff); }
  [[nodiscard]] constexpr std::uint64_t version() const { return bits >> 22 << 22; }
  friend constexpr bool operator==(CtxValue, CtxValue) = default;
};

struct Task;
struct Mm;

struct SpinLock {
  Cell<std::uint64_t> locked;
  std::int64_t owner = -1;  // ghost: CPU that holds it
};

// Sleeping reader-writer lock: -1 a writer, else the number of readers.
struct RwSem {
  Cell<std::int64_t> count;
  Cell<std::uint64_t> waiters;  // tasks asleep on it, a bit each
};

struct Page {
  Cell<std::int64_t> refcount;
  Cell<std::uint64_t> contents;   // stands for the page's bytes
  std::uint32_t incarnation = 0;  // ghost G1: bumped when the page goes back to the allocator
  std::int32_t number = 0;
};

// One top-level entry and one leaf table stand for the four levels of sparc64.
struct PageTable {
  Cell<std::uint64_t> pmd;  // 1: the leaf table is there
  Cell<Pte> pte[kVirtPageCount];
};

struct TsbEntry {
  Cell<std::uint64_t> tag;
  Cell<Pte> pte;
  sim::TlbGhost ghost;  // ghost G2: what the pte was read from
  static constexpr std::uint64_t kLock = std::uint64_t{1} << 47;
  static constexpr std::uint64_t kInvalid = std::uint64_t{1} << 46;
};

struct Mm {
  Cell<std::int64_t> mm_users;
  Cell<std::int64_t> mm_count;
  Cell<CpuBits> mm_cpumask;
  RwSem mmap_lock;
  SpinLock page_table_lock;
  Cell<std::uint64_t> vma_pages;  // which of the pages A .. H are mapped, a bit each: the vmas
  PageTable* pgd = nullptr;       // constant while the mm lives
  struct Context {
    Cell<CtxValue> sparc64_ctx_val;
    SpinLock lock;
    Cell<TsbEntry*> tsb;
    void* other = nullptr;  // of an architecture other than sparc64, which knows its type
  } context;

  // Ghost G3.
  std::uint64_t id = 0;                              // 0 is init_mm
  std::uint64_t pte_change[kVirtPageCount] = {};     // number of the last change of each pte
  std::uint64_t flushed[kVirtPageCount] = {};        // changes up to this one are flushed
  std::uint64_t promised[kVirtPageCount] = {};       // and promised to a caller to be gone
  std::uint64_t grabs = 0;    // mm_count references that no lazy CPU owns, but for mm_users' own
  std::uint64_t alive = 0;    // between mm_alloc and __mmdrop
};

enum class TaskState : std::uint64_t { kRunning = 0, kSleeping = 1, kDead = 2 };

struct Task {
  Cell<Mm*> mm;
  Cell<Mm*> active_mm;
  SpinLock alloc_lock;  // task_lock()
  Cell<TaskState> state;
  Cell<std::uint64_t> cpu;

  // Its own business.
  std::int32_t number = 0;          // T<n>, or the CPU of an idle task
  std::uint8_t idle = 0;
  std::uint8_t kthread = 0;
  std::uint8_t setup_done = 0;
  std::uint8_t finished = 0;        // all its operations are done
  std::int64_t preempt_count = 0;
  std::int64_t migrate_to = -1;
  std::int64_t spinlocks_held = 0;
  std::uint64_t using_mm = 0;       // ghost: inside kthread_use_mm .. kthread_unuse_mm
  std::uint64_t faults = 0;         // user accesses that ended in SIGSEGV or -EFAULT
  std::uint64_t sleeps_idle = 0;    // asleep for want of work, not for somebody's lock
  // What it polls for (PollUntil), for the tasks that share its CPU. Null: it can go on.
  bool (*polls_for)(const void* argument) = nullptr;
  const void* polls_argument = nullptr;
  const sim::Site* polls_at = nullptr;
  std::uint64_t polls_blocked = 0;  // a run that ends here is a deadlock
};

inline constexpr int kTlbBatchNr = 8;  // TLB_BATCH_NR is 192; fewer pages exist here

// What flush_tlb_pending sends to other CPUs reads vaddrs through a pointer: so they are cells.
struct TlbBatch {
  Cell<std::uint64_t> vaddrs[kTlbBatchNr];
  Mm* mm = nullptr;
  std::uint64_t tlb_nr = 0;
  std::uint64_t active = 0;
  std::uint64_t readers = 0;  // ghost L7: CPUs that still have to read vaddrs
};

// smp_call_function_many: one request in flight for each sender (Linux 4.19 kernel/smp.c, csd).
struct CallData {
  Cell<std::uint64_t> pending;  // CPUs that have not run it yet
  Cell<std::uint64_t> queue;    // on the target: senders whose request waits here
  void (*fn)(std::uint64_t info) = nullptr;
  std::uint64_t info = 0;
};

struct Rq {
  SpinLock lock;
  Cell<std::uint64_t> queue;        // runnable tasks that do not run, a bit each
  Cell<Task*> curr;
  Cell<Mm*> prev_mm;
  Cell<std::uint64_t> need_resched;
};

struct PerCpu {
  Rq rq;
  Cell<Mm*> secondary_mm;  // per_cpu_secondary_mm
  TlbBatch tlb_batch;
  CallData call;
  Cell<std::uint64_t> hotplug;  // CpuState (cpu_hotplug.h)
  // trap_block and MMU registers: the CPU's own.
  PageTable* pgd_paddr = nullptr;
  TsbEntry* tsb = nullptr;
  void* arch_data = nullptr;  // of an architecture other than sparc64
  // Ghost.
  Mm* hardware_mm = nullptr;      // whose context, TSB and page table the CPU has loaded
  Mm* bit_tested = nullptr;       // inside switch_mm: found its bit set in this mm's mask (K2)
  std::uint64_t in_switch = 0;    // between the first and the last change of an mm switch
  Task* switched_from = nullptr;
  std::uint64_t offline = 0;      // RCU, for one, no longer watches it
};

// arch/sparc/mm/init_64.c
struct ContextAllocator {
  SpinLock ctx_alloc_lock;
  Cell<CtxValue> tlb_context_cache;       // version, and the last number given out
  Cell<std::uint64_t> mmu_context_bmap;   // numbers in use
};

// What all CPUs share.
struct Globals {
  ContextAllocator context;
  SpinLock zone_lock;
  Cell<std::uint64_t> free_pages;  // a bit each
  void* arch_data = nullptr;       // of an architecture other than sparc64
  std::uint64_t pte_changes = 0;   // ghost: numbers pte changes
  std::uint64_t broadcasts = 0;    // invalidations on all CPUs at once so far (tlb_invalidate.h)
};

}  // namespace shootdown::kernel

template <>
struct shootdown::sim::FormatOf<shootdown::kernel::CpuBits> {
  static constexpr FormatFn kFormat = &FormatMask;
};
namespace shootdown::kernel {
[[nodiscard]] std::string FormatPte(std::uint64_t bits);        // page3 rw, none
[[nodiscard]] std::string FormatCtx(std::uint64_t bits);        // v1:5, none
[[nodiscard]] std::string FormatTaskState(std::uint64_t bits);  // running
[[nodiscard]] std::string FormatVirtPage(std::uint64_t number); // A
[[nodiscard]] std::string FormatTsbTag(std::uint64_t bits);     // A, invalid, locked
}  // namespace shootdown::kernel
template <>
struct shootdown::sim::FormatOf<shootdown::kernel::Pte> {
  static constexpr FormatFn kFormat = &shootdown::kernel::FormatPte;
};
template <>
struct shootdown::sim::FormatOf<shootdown::kernel::CtxValue> {
  static constexpr FormatFn kFormat = &shootdown::kernel::FormatCtx;
};
template <>
struct shootdown::sim::FormatOf<shootdown::kernel::TaskState> {
  static constexpr FormatFn kFormat = &shootdown::kernel::FormatTaskState;
};

#endif  // SHOOTDOWN_FUZZ_KERNEL_TYPES_H_
