// What the kernel tells its judges. The kernel knows no judge; a judge (fuzz/check) asks for the
// kinds that it needs, so a run pays only for what happens in it and is listened to.
#ifndef SHOOTDOWN_FUZZ_KERNEL_EVENTS_H_
#define SHOOTDOWN_FUZZ_KERNEL_EVENTS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "fuzz/base/check.h"
#include "fuzz/kernel/types.h"
#include "fuzz/sim/site.h"

namespace shootdown::kernel {

enum class EventKind : std::uint8_t {
  kUserHit,          // a user access through the TLB entry `entry`; `mm` is the loaded one
  kMaskCleared,      // bits `a` of mm_cpumask(mm) were set and are cleared; `b` says by what right
  kMmSwitched,       // context_switch, kthread_use_mm or exec is done: the CPU runs on `mm`
  kMmFieldsChanged,  // current->mm, active_mm or the hardware context changes now
  kContextAssigned,  // mm got a context number, or a wrap revived it
  kMmUsers,          // mm_users went from `a` to `b` (as signed)
  kMmCount,          // mm_count went from `a` to `b`
  kUseMm,            // kthread_use_mm(mm) begins
  kLastMmput,        // mm_users reached 0: __mmput runs here
  kMmFreed,          // __mmdrop: the struct, its page table and its TSB go
  kTsbFreed,         // the TSB `object` of mm goes
  kPageFreed,        // page `object` goes to the allocator
  kFreedTouched,     // word `a` of something freed was touched
  kCallFunction,     // smp_call_function_many to CPUs `a`, waiting if `b`
  kBatchLeft,        // lazy mmu mode, the page table lock or the CPU is left
  kFlushArgument,    // a flush argument is written, or dies; `a` CPUs have not read it yet
  kPteChanged,       // the pte of page `virt` of mm has changed: change number `a`
  kXcallAbandoned,   // a cross call to CPU `a` is given up, and counts as delivered
  kHypercallRefused, // Xen refuses to load or to unpin the page table of mm, because of CPU `a`
  kTableWalk,        // hardware reads the leaf table `object` of mm; `a` is its incarnation when found
  kBarrierFailed,    // both sides of a store-buffering test with membarrier have loaded 0
  kOperationDone,    // an operation of the task is done
  kDeadlock,         // nothing can run, and not all is done
  kLivelock,         // the step budget is used up
  kQuiet,            // the run has come to its end
};
inline constexpr std::size_t kEventKindCount = 25;

// Why bits of an mm_cpumask are cleared (K3).
enum class ClearReason : std::uint64_t { kFlusher = 0, kSelf = 1, kNewContext = 2 };

struct Event {
  EventKind kind;
  int cpu = 0;
  Task* task = nullptr;  // current
  Mm* mm = nullptr;
  const void* object = nullptr;
  const sim::TlbEntry* entry = nullptr;
  int virt = 0;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  const sim::Site* site = nullptr;
};

using Judge = void (*)(const Event& event);

class Judges {
 public:
  static constexpr std::size_t kJudgeCountMax = 16;  // a kind

  void Clear() { *this = Judges(); }
  // REQUIRES: fewer than kJudgeCountMax judges listen to `kind` already.
  void Listen(EventKind kind, Judge judge) {
    Row& row = rows_[static_cast<std::size_t>(kind)];
    SHOOTDOWN_CHECK(row.count < kJudgeCountMax);
    row.judges[row.count++] = judge;
  }
  // Somebody listens to `kind`.
  [[nodiscard]] bool Hear(EventKind kind) const {
    return rows_[static_cast<std::size_t>(kind)].count != 0;
  }
  // Judges hear an event in the order in which they began to listen.
  void Tell(const Event& event) const {
    const Row& row = rows_[static_cast<std::size_t>(event.kind)];
    for (std::size_t i = 0; i < row.count; ++i) row.judges[i](event);
  }

 private:
  struct Row {
    std::size_t count = 0;
    std::array<Judge, kJudgeCountMax> judges{};
  };
  std::array<Row, kEventKindCount> rows_{};
};

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_EVENTS_H_
