#include "fuzz/program/access.h"

#include "fuzz/program/program.h"

namespace shootdown::program {
namespace {

std::uint64_t OwnNumber() { return static_cast<std::uint64_t>(sim::Machine::Get().cpu()) + 1; }

// Of the function that is called at `site`, for what `cell` is.
void NeedThread(const sim::Site& site, const sim::Cell<std::uint64_t>& cell) {
  if (!IsForThreads(&cell)) RefuseStep(site.label);
}

}  // namespace

void LockAt(Mutex& mutex, const sim::Site& site) {
  NeedThread(site, mutex.owner);
  const std::uint64_t self = OwnNumber();
  mutex.owner.RmwWhen(
      site, [](std::uint64_t owner) { return owner == 0; }, [self](std::uint64_t) { return self; });
}

bool TryLockAt(Mutex& mutex, const sim::Site& site) {
  NeedThread(site, mutex.owner);
  const std::uint64_t self = OwnNumber();
  return mutex.owner.Rmw(site, [self](std::uint64_t owner) { return owner == 0 ? self : owner; }) ==
         0;
}

void UnlockAt(Mutex& mutex, const sim::Site& site) {
  NeedThread(site, mutex.owner);
  if (mutex.owner.PeekOwn() != OwnNumber()) FailRun("unlocks a mutex that it does not hold");
  sim::Machine::Get().Membar(site, sim::kLoadStore | sim::kStoreStore);
  mutex.owner.Store(site, 0);
}

void WaitAt(Condition& condition, Mutex& mutex, const sim::Site& site) {
  NeedThread(site, condition.waiters);
  const int cpu = sim::Machine::Get().cpu();
  if (cpu >= Condition::kWaiterCpuCount) RefuseWaiter(site.label, cpu);
  const std::uint64_t self = std::uint64_t{1} << cpu;
  condition.waiters.Rmw(site, [self](std::uint64_t waiters) { return waiters | self; });
  UnlockAt(mutex, site);
  condition.waiters.LoadWhen(site, [self](std::uint64_t waiters) { return (waiters & self) == 0; });
  LockAt(mutex, site);
}

void SignalAt(Condition& condition, const sim::Site& site) {
  NeedThread(site, condition.waiters);
  condition.waiters.Rmw(site, [](std::uint64_t waiters) { return waiters & (waiters - 1); });
}

void BroadcastAt(Condition& condition, const sim::Site& site) {
  NeedThread(site, condition.waiters);
  condition.waiters.Rmw(site, [](std::uint64_t) { return std::uint64_t{0}; });
}

void FailRun(const char* message) { Program::Live().Fail(message); }
void RejectRun(const char* message) { Program::Live().RejectAtEnd(message); }

}  // namespace shootdown::program
