// How a program's threads touch what they share: macros, since each place must become a site of its own.
// Each is one step, unless it says otherwise. They are for threads, and cells of the state: in the check at the end
// of a run, outside of runs, and on a cell that is elsewhere they end the process with words. Which cell it is takes no
// step: GCC compiles no LOAD(LOAD(p)->x), so the pointer has to be a variable. Nor does what RMW or AWAIT computes.
//
// Under TSO a plain store may linger in the CPU's store buffer; RMW, CAS, FENCE and LOCK find the buffer
// empty (SPARC V9, 8.4.3), and UNLOCK is a plain store, as sparc64's spinlocks have it (Linux 4.19
// arch/sparc/include/asm/spinlock_64.h). Under PSO and RMO a MEMBAR comes before that store, which orders it
// after all that the critical section did.
#ifndef SHOOTDOWN_FUZZ_PROGRAM_ACCESS_H_
#define SHOOTDOWN_FUZZ_PROGRAM_ACCESS_H_

#include "fuzz/sim/cell.h"

namespace shootdown::program {

// Free: 0. Else 1 + the number of the CPU that holds it.
struct Mutex {
  sim::Cell<std::uint64_t> owner;
};

// Wakes who waits already, and nobody who comes later: so a wake-up can be lost, as with POSIX's. No
// spurious wake-ups. Signal wakes the waiter with the lowest CPU number. CPUs from kWaiterCpuCount on can only
// wake others: who waits there ends the process with words.
struct Condition {
  static constexpr int kWaiterCpuCount = 64;
  sim::Cell<std::uint64_t> waiters;  // a bit for each CPU
};

void LockAt(Mutex& mutex, const sim::Site& site);
[[nodiscard]] bool TryLockAt(Mutex& mutex, const sim::Site& site);
void UnlockAt(Mutex& mutex, const sim::Site& site);
void WaitAt(Condition& condition, Mutex& mutex, const sim::Site& site);
void SignalAt(Condition& condition, const sim::Site& site);
void BroadcastAt(Condition& condition, const sim::Site& site);
[[noreturn]] void FailRun(const char* message);
void RejectRun(const char* message);

// How much of guest memory has cells, while threads may take steps; else none.
inline std::size_t cell_bytes = 0;
[[noreturn]] void RefuseStep(const char* step);
[[noreturn]] void RefuseWaiter(const char* step, int cpu);
inline bool IsForThreads(const void* cell) {
  return reinterpret_cast<std::uintptr_t>(cell) - sim::kArenaBase < cell_bytes;
}
// `cell`, for a thread to take a step with.
template <class T>
T& OfThread(T& cell, const char* step) {
  if (!IsForThreads(&cell)) [[unlikely]] {
    RefuseStep(step);
  }
  return cell;
}
inline sim::Machine& MachineOfThread(const char* step) {
  if (cell_bytes == 0) [[unlikely]] {
    RefuseStep(step);
  }
  return sim::Machine::Get();
}

// A load of a T whose value is needed later.
template <class T>
struct Late {
  sim::Machine::LateLoad load;
};
template <class T>
[[nodiscard]] Late<T> LoadLaterAt(const sim::Cell<T>& cell, const sim::Site& site) {
  return {sim::Machine::Get().LoadLater(site, cell.word())};
}
template <class T>
T ValueOfLate(sim::Machine& machine, Late<T> late) {
  return sim::FromWord<T>(machine.ValueOf(late.load));
}

}  // namespace shootdown::program

#define LOAD(cell) \
  (::shootdown::program::OfThread((cell), "LOAD(" #cell ")").Load(SHOOTDOWN_CELL_SITE(cell)))
#define STORE(cell, value)                                    \
  (::shootdown::program::OfThread((cell), "STORE(" #cell ")") \
       .Store(SHOOTDOWN_CELL_SITE(cell), (value)))

// Atomically cell := expression of `old`; yields the old value.
#define RMW(cell, ...)                                      \
  (::shootdown::program::OfThread((cell), "RMW(" #cell ")") \
       .Rmw(SHOOTDOWN_CELL_SITE(cell), [&]([[maybe_unused]] auto old) { return __VA_ARGS__; }))

// Atomically, if the cell holds `expected`: cell := desired. Yields whether it did. Both are values, as a function's
// arguments: known before, and by the caller's names.
#define CAS(cell, expected, desired)                                                             \
  (__extension__({                                                                               \
    const auto cas_expected = (expected);                                                        \
    const auto cas_desired = (desired);                                                          \
    const auto cas_old = ::shootdown::program::OfThread((cell), "CAS(" #cell ")")                \
                             .Rmw(SHOOTDOWN_CELL_SITE(cell), [&](auto cas_found) {               \
                               return cas_found == cas_expected ? cas_desired : cas_found;       \
                             });                                                                 \
    cas_old == cas_expected;                                                                     \
  }))

// The same, but no fence: the bare instruction, which others may pass under PSO and RMO.
#define RMW_UNORDERED(cell, ...)                                      \
  (::shootdown::program::OfThread((cell), "RMW_UNORDERED(" #cell ")") \
       .RmwUnordered(SHOOTDOWN_CELL_SITE(cell),                       \
                     [&]([[maybe_unused]] auto old) { return __VA_ARGS__; }))

// A load whose value is needed later: `auto late = LOAD_LATER(x); ...; use(LATE_VALUE(late))`. Under RMO it
// may happen as late as that.
#define LOAD_LATER(cell)                                                           \
  (::shootdown::program::LoadLaterAt(                                              \
      ::shootdown::program::OfThread((cell), "LOAD_LATER(" #cell ")"), SHOOTDOWN_CELL_SITE(cell)))
#define LATE_VALUE(late)              \
  (::shootdown::program::ValueOfLate( \
      ::shootdown::program::MachineOfThread("LATE_VALUE(" #late ")"), (late)))

// Keeps accesses before it before accesses after it, by the bits of its mask: sim::kLoadLoad, kStoreLoad,
// kLoadStore, kStoreStore (SPARC V9, A.32). No step where the memory model does as much by itself.
#define MEMBAR(mask)                                          \
  (::shootdown::program::MachineOfThread("MEMBAR(" #mask ")") \
       .Membar(SHOOTDOWN_SITE("membar"), (mask)))

#define FENCE() (::shootdown::program::MachineOfThread("FENCE()").Fence(SHOOTDOWN_SITE("fence")))

// Waits until the condition, an expression of `now` (what the cell holds), is true, and yields that value:
// a load that cannot happen before.
#define AWAIT(cell, ...)                                      \
  (::shootdown::program::OfThread((cell), "AWAIT(" #cell ")") \
       .LoadWhen(SHOOTDOWN_CELL_SITE(cell),                   \
                 [&]([[maybe_unused]] auto now) { return __VA_ARGS__; }))

#define LOCK(mutex) (::shootdown::program::LockAt((mutex), SHOOTDOWN_SITE("lock(" #mutex ")")))
#define TRY_LOCK(mutex) \
  (::shootdown::program::TryLockAt((mutex), SHOOTDOWN_SITE("try_lock(" #mutex ")")))
#define UNLOCK(mutex) (::shootdown::program::UnlockAt((mutex), SHOOTDOWN_SITE("unlock(" #mutex ")")))

// Gives the mutex back, waits to be woken, and takes the mutex again: four steps. Look at what you wait for
// again afterwards: another thread may have been faster.
#define WAIT(condition, mutex)                          \
  (::shootdown::program::WaitAt((condition), (mutex),   \
                                SHOOTDOWN_SITE("wait(" #condition ", " #mutex ")")))
#define SIGNAL(condition) \
  (::shootdown::program::SignalAt((condition), SHOOTDOWN_SITE("signal(" #condition ")")))
#define BROADCAST(condition) \
  (::shootdown::program::BroadcastAt((condition), SHOOTDOWN_SITE("broadcast(" #condition ")")))

// No step: in a thread, what must be true. The run ends if it is not.
#define REQUIRE(condition, message) \
  ((condition) ? void() : ::shootdown::program::FailRun(message))
// The same in the check at the end of a run.
#define REQUIRE_AT_END(condition, message) \
  ((condition) ? void() : ::shootdown::program::RejectRun(message))

#endif  // SHOOTDOWN_FUZZ_PROGRAM_ACCESS_H_
