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

// A set of CPUs in one word: so a kernel's machine has at most 64.
struct CpuBits {
  static constexpr int kCpuCountMax = 64;
  std::uint64_t bits = 0;
  [[nodiscard]] constexpr bool Has(int cpu) const { return (bits >> cpu & 1) != 0; }
  [[nodiscard]] constexpr CpuBits With(int cpu) const { return {bits | std::uint64_t{1} << cpu}; }
  [[nodiscard]] constexpr CpuBits Without(int cpu) const {
    return {bits & ~(std::uint64_t{1} << cpu)};
  }
  friend constexpr bool operator==(CpuBits, CpuBits) = default;
};

// A page table entry: valid, writable, page number; where hardware walks page tables also dirty, and
// PROT_NONE: a page that hardware must not use, but the kernel still counts as mapped.
struct Pte {
  std::uint64_t bits = 0;
  static constexpr std::uint64_t kValid = 1;
  static constexpr std::uint64_t kWrite = 2;
  static constexpr std::uint64_t kDirty = 4;
  static constexpr std::uint64_t kProtNone = 8;
  static constexpr Pte Of(int page, bool writable) {
    return {kValid | (writable ? kWrite : 0) | static_cast<std::uint64_t>(page) << 8};
  }
  [[nodiscard]] constexpr bool valid() const { return (bits & kValid) != 0; }
  [[nodiscard]] constexpr bool writable() const { return (bits & kWrite) != 0; }
  [[nodiscard]] constexpr bool dirty() const { return (bits & kDirty) != 0; }
  [[nodiscard]] constexpr bool present() const { return (bits & (kValid | kProtNone)) != 0; }
  [[nodiscard]] constexpr Pte With(std::uint64_t flags) const { return {bits | flags}; }
  [[nodiscard]] constexpr Pte Without(std::uint64_t flags) const { return {bits & ~flags}; }
  [[nodiscard]] constexpr int page() const { return static_cast<int>(bits >> 8); }
  friend constexpr bool operator==(Pte, Pte) = default;
};

// mm->context.sparc64_ctx_val: bits 0..12 number, bits 22..63 version. 0: never allocated.
struct CtxValue {
  std::uint64_t bits = 0;
  static constexpr std::uint64_t kFirstVersion = std::uint64_t{1} << 22;
  [[nodiscard]] constexpr Ctx number() const { return Ctx(bits & 0x1fff); }
  [[nodiscard]] constexpr std::uint64_t page_sizes() const { return bits >> 16 & 0x3f; }
  [[nodiscard]] constexpr std::uint64_t version() const { return bits >> 22 << 22; }
  friend constexpr bool operator==(CtxValue, CtxValue) = default;
};

struct Task;
struct Mm;
struct MappedFile;

[[nodiscard]] std::string FormatTasks(std::uint64_t bits);     // tasks {0,2}
[[nodiscard]] std::string FormatVmaPages(std::uint64_t bits);  // {A,C}: what vma_pages (memory.h) holds
[[nodiscard]] std::string FormatHex(std::uint64_t word);       // 0x7

// A word of bits, which traces show with kFormat.
template <sim::FormatFn kFormat>
struct ShownAs {};
template <sim::FormatFn kFormat>
struct ShownCell : Cell<std::uint64_t> {
  using Value = ShownAs<kFormat>;  // for the site of an access; what is read and written are integers
};
using TaskBits = ShownCell<&FormatTasks>;  // a bit for each task, by its number
using PageBits = ShownCell<&FormatVmaPages>;
using HexCell = ShownCell<&FormatHex>;

struct SpinLock {
  Cell<std::uint64_t> locked;
  std::int64_t owner = -1;  // ghost: CPU that holds it
};

// Sleeping reader-writer lock: -1 a writer, else the number of readers.
struct RwSem {
  Cell<std::int64_t> count;
  TaskBits waiters;  // asleep on it
};

struct Page {
  Cell<std::int64_t> refcount;
  Cell<std::uint64_t> contents;   // stands for the page's bytes
  Cell<std::uint64_t> mlocked;    // PageMlocked
  std::uint32_t incarnation = 0;  // ghost G1: bumped when the page goes back to the allocator
  std::int32_t number = 0;
  // Ghost D3: what user code has stored, and how much of that has been written out to `file`.
  MappedFile* file = nullptr;     // in whose page cache it is
  std::uint64_t stores = 0;
  std::uint64_t stores_written = 0;
};

// One top-level entry and one leaf table stand for the four levels of sparc64. Where hardware walks
// page tables there are two: the leaf tables of A .. D and of E .. H, which are pages of the pool.
struct PageTable {
  Cell<std::uint64_t> pmd;  // not 0: the leaf table is there
  Cell<Pte> pte[kVirtPageCount];
  Cell<std::uint64_t> pmd_high;
};

// A bit of pmd and pmd_high: that leaf table began as the other half's, and was moved here whole
// (mremap). Its ptes stay where they are.
inline constexpr std::uint64_t kPmdMoved = 16;
inline constexpr int kPtesPerTable = kVirtPageCount / 2;
// The pte of `va` in the leaf table that an upper entry with these bits names.
[[nodiscard]] inline Cell<Pte>& PteIn(PageTable* pgd, VirtPage va, std::uint64_t pmd) {
  const int moved = (pmd & kPmdMoved) != 0 ? kPtesPerTable : 0;
  return pgd->pte[(va.value() + moved) % kVirtPageCount];
}
[[nodiscard]] inline Cell<std::uint64_t>& PmdIn(PageTable* pgd, VirtPage va) {
  return va.value() < kPtesPerTable ? pgd->pmd : pgd->pmd_high;
}
// As the page table stands for this CPU; without a table, where it would be. No steps: the upper entry
// stays while mmap_lock is held, or the lock by which the mapping was found.
[[nodiscard]] inline Cell<Pte>& PteOf(PageTable* pgd, VirtPage va) {
  const std::uint64_t pmd = PmdIn(pgd, va).PeekOwn();
  if (pmd != 0) return PteIn(pgd, va, pmd);
  const VirtPage other_half(static_cast<std::uint8_t>((va.value() + kPtesPerTable) % kVirtPageCount));
  return PteIn(pgd, va, PmdIn(pgd, other_half).PeekOwn());
}

// A vma that userfaultfd has made of part of another one. Those are structs of their own; all others
// are bits of Mm::vma_pages.
struct Vma {
  PageBits vm_pages;
  Cell<Vma*> vm_next;
};

struct TsbEntry {
  Cell<std::uint64_t> tag;
  Cell<Pte> pte;
  sim::TlbGhost ghost;  // ghost G2: what the pte was read from
  static constexpr std::uint64_t kLock = std::uint64_t{1} << 47;
  static constexpr std::uint64_t kInvalid = std::uint64_t{1} << 46;
};

// Ghost: changes of a pte up to these a caller has been promised to be rid of.
struct Promised {
  std::uint32_t by_all = 0;
  std::uint32_t by_stores = 0;  // also where only the right to store was taken away, or stores shall be noticed
};

struct Mm {
  Cell<std::int64_t> mm_users;
  Cell<std::int64_t> mm_count;
  Cell<CpuBits> mm_cpumask;
  RwSem mmap_lock;
  SpinLock page_table_lock;
  PageBits vma_pages;             // which of the pages A .. H are mapped, a bit each: the vmas
  PageTable* pgd = nullptr;       // constant while the mm lives
  struct Context {
    Cell<CtxValue> sparc64_ctx_val;
    SpinLock lock;
    Cell<TsbEntry*> tsb;
    Cell<TsbEntry*> tsb_retiring;      // the one before, until all CPUs have left it
    Cell<std::int64_t> active_cpus;    // trim.W15 alone
    std::uint64_t page_sizes_told = 0; // ghost: hugetlb_setup has returned with these
    void* other = nullptr;  // of an architecture other than sparc64, which knows its type
  } context;
  Cell<std::int64_t> tlb_flush_pending;   // who has changed ptes, and not flushed yet
  Cell<std::uint64_t> tlb_flush_batched;  // reclaim: generations pending (low half) and flushed
  Cell<MappedFile*> vm_file[kVirtPageCount];  // of a mapping that has one
  Cell<Vma*> mmap;                            // the first that is a struct of its own; mmap_lock
  Cell<std::uint64_t> core_state;             // not 0: its core is being dumped
  Cell<std::uint64_t> flags;                  // MMF_OOM_VICTIM, MMF_OOM_SKIP (memory.h)

  // A file whose last reference is a mapping (binder).
  void* mapped_file = nullptr;
  void (*release_mapped_file)(void* file) = nullptr;

  // Ghost G3.
  std::uint64_t id = 0;                              // 0 is init_mm
  std::uint64_t pte_change[kVirtPageCount] = {};     // number of the last change of each pte
  std::uint64_t flushed[kVirtPageCount] = {};        // changes up to this one are flushed
  Promised promised[kVirtPageCount] = {};
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
  std::uint64_t polls_blocked = 0;      // a run that ends here is a deadlock
  const sim::Site* waits_at = nullptr;  // where it polls or sleeps, for who reads of a deadlock
  // What it still has to do before it returns to user mode: one file's release, at most.
  void (*task_work)(void* argument) = nullptr;
  void* task_work_argument = nullptr;
  // User windows that are still in registers, and the page of the stack where the next belongs.
  std::uint8_t windows = 0;
  std::uint8_t window_page = 0;
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

// What a trimming flush asks of other CPUs (sparc64.flush = ipi_trim). On the flusher's stack in a
// kernel; so it dies when the flush returns.
struct TrimCall {
  Cell<Mm*> mm;
  Cell<std::uint64_t> ctx;
  Cell<std::uint64_t> nr;
  Cell<std::uint64_t> vaddrs[kVirtPageCount];
  Cell<std::uint64_t> pending;  // trim.W4 alone: handlers that are not done
  std::uint64_t readers = 0;    // ghost L7: CPUs that still have to read it
};

// smp_call_function_many: one request in flight for each sender (Linux 4.19 kernel/smp.c, csd).
struct CallData {
  ShownCell<&sim::FormatMask> pending;  // CPUs that have not run it yet
  ShownCell<&sim::FormatMask> queue;    // on the target: senders whose request waits here
  void (*fn)(std::uint64_t info) = nullptr;
  std::uint64_t info = 0;
  std::uint64_t targets = 0;  // ghost: CPUs that it is about to call
};

struct Rq {
  SpinLock lock;
  TaskBits queue;                   // runnable tasks that do not run
  Cell<Task*> curr;
  Cell<Mm*> prev_mm;
  Cell<std::uint64_t> need_resched;
};

struct PerCpu {
  Rq rq;
  Cell<Mm*> secondary_mm;  // per_cpu_secondary_mm
  TlbBatch tlb_batch;
  CallData call;
  TrimCall trim_call;
  std::uint64_t flushes = 0;  // of this CPU, for the occasional trim
  Mm* alone_on = nullptr;     // trim.W10 alone
  Cell<std::uint64_t> hotplug;  // CpuState (cpu_hotplug.h)
  // trap_block and MMU registers: the CPU's own.
  PageTable* pgd_paddr = nullptr;
  TsbEntry* tsb = nullptr;
  std::uint64_t page_sizes = 0;  // fields of SECONDARY (cheetah+)
  void* arch_data = nullptr;     // of an architecture other than sparc64
  // Ghost.
  Mm* hardware_mm = nullptr;      // whose context, TSB and page table the CPU has loaded
  Mm* bit_tested = nullptr;       // inside switch_mm: found its bit set in this mm's mask (K2)
  // Between the first and the last change of an mm switch. Judges ask; and perf of sparc64 as repaired, which
  // has such a mark (perf_event.cc).
  std::uint64_t in_switch = 0;
  Task* switched_from = nullptr;
  std::uint64_t stops_all = 0;    // inside take_cpu_down(), for which stop_machine() holds all others still
  std::uint64_t offline = 0;      // RCU, for one, no longer watches it
};

// arch/sparc/mm/init_64.c
struct ContextAllocator {
  SpinLock ctx_alloc_lock;
  Cell<CtxValue> tlb_context_cache;       // version, and the last number given out
  HexCell mmu_context_bmap;               // numbers in use
};

// How a page's mappings are found (anon_vma): outlives the mm.
struct AnonVma {
  SpinLock lock;
  PageBits pages;  // of the mm, which have a vma
};
inline constexpr int kAnonVmaCount = 16;  // one an mm

// What all CPUs share.
struct Globals {
  ContextAllocator context;
  AnonVma anon_vma[kAnonVmaCount];  // by Mm::id
  SpinLock zone_lock;
  HexCell free_pages;              // a bit each
  Cell<Mm*> mmput_async;           // whose last mm_users reference the workqueue is to drop
  void* arch_data = nullptr;       // of an architecture other than sparc64
  std::uint64_t pte_changes = 0;   // ghost: numbers pte changes
  std::uint64_t broadcasts = 0;    // invalidations on all CPUs at once so far (tlb_invalidate.h)
  std::uint64_t perf_page = 0;     // perf samples user stacks: the stack's page + 1
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
template <shootdown::sim::FormatFn kShown>
struct shootdown::sim::FormatOf<shootdown::kernel::ShownAs<kShown>> {
  static constexpr FormatFn kFormat = kShown;
};
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
