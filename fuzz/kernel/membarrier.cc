// membarrier(), private expedited and global expedited, and the test of what it promises: store buffering.
//
//   caller                      peer, on another CPU, of the same mm
//   x := 1                      y := 1
//   membarrier()                (nothing but program order)
//   r0 := y                     r1 := x          never both 0
//
// Source: Linux 6.12 kernel/sched/membarrier.c membarrier_private_expedited(), membarrier_global_expedited().
// Left out: registering. All have done so, so rq->membarrier_state would say no more than that there is an mm.
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel {
namespace {

// 618758ed3a4f (5.11): the global one passed over all kernel threads, also those that have taken on an mm. The
// private one has always looked at ->mm.
enum KthreadVersion { kByMm, kSkipKthreads };
VersionSwitch kthread_version("mm.membarrier", {"by_mm", "skip_kthreads"},
                              "618758ed3a4f sched: membarrier: cover kthread_use_mm");

// Up to 6.12 a private caller whose mm has one user returns at once, without a fence of its own: nobody else runs on
// the mm. But a kernel thread may take it on right after the test, while what the caller has stored is not visible.
enum UsersVersion { kAnyUsers, kSkipIfSingleUser };
VersionSwitch users_version("mm.membarrier_users", {"any", "skip_if_single_user"},
                            "Linux 6.12 kernel/sched/membarrier.c membarrier_private_expedited");

// User memory, which unlike that of user_access() goes through store buffers.
struct Litmus {
  Cell<std::uint64_t> x;
  Cell<std::uint64_t> y;
  // Ghost: whose memory it is, that of the first to touch it; others of that name have their own, unwatched.
  const Mm* mm = nullptr;
  // Ghost: what has been loaded, and 1 more; 0: not yet.
  std::uint64_t r0 = 0;
  std::uint64_t r1 = 0;
};

bool IsOf(Litmus* litmus, const Mm* mm) {
  if (litmus->mm == nullptr) litmus->mm = mm;
  sim::Learn(litmus->mm == mm ? 1 : 0);
  return litmus->mm == mm;
}

void Judged(const Litmus* litmus) {
  if (litmus->r0 == 1 && litmus->r1 == 1) Tell({.kind = EventKind::kBarrierFailed});
}

void ipi_mb(std::uint64_t /*info*/) { smp_mb(); }

// `mask`: the CPUs that run something which needs the fence.
void CallAndWait(CpuBits mask) {
  preempt_disable();
  smp_call_function_many(mask, &ipi_mb, 0, /*wait=*/true);
  preempt_enable();
  smp_mb();
}

// The caller may be preempted and migrate before the call: both CPUs then pass a fence in the scheduler. So up to
// 5.11 it leaves out the CPU that it is on; later smp_call_function_many() alone does.
void membarrier_private_expedited() {
  Kernel& k = Kernel::Get();
  Mm* const mm = READ_ONCE(current()->mm);
  if (users_version.value() == kSkipIfSingleUser && READ_ONCE(mm->mm_users) == 1) return;
  smp_mb();
  CpuBits mask;
  for (int cpu = 0; cpu < k.machine().cpu_count(); ++cpu) {
    if (cpu == smp_processor_id()) continue;
    Rq* const rq = &k.cpus[cpu].rq;
    const Task* const p = READ_ONCE(rq->curr);
    if (READ_ONCE(p->mm) == mm) mask = mask.With(cpu);
  }
  CallAndWait(mask);
}

void membarrier_global_expedited() {
  Kernel& k = Kernel::Get();
  smp_mb();
  CpuBits mask;
  for (int cpu = 0; cpu < k.machine().cpu_count(); ++cpu) {
    if (cpu == smp_processor_id()) continue;
    Rq* const rq = &k.cpus[cpu].rq;
    const Task* const p = READ_ONCE(rq->curr);
    const bool skipped = kthread_version.value() == kSkipKthreads ? p->kthread != 0 : READ_ONCE(p->mm) == nullptr;
    if (!skipped) mask = mask.With(cpu);
  }
  CallAndWait(mask);
}

void Caller(Litmus* litmus, void (*membarrier)()) {
  if (!IsOf(litmus, current()->mm.PeekOwn())) return;
  WRITE_ONCE(litmus->x, 1);
  membarrier();
  litmus->r0 = READ_ONCE(litmus->y) + 1;
  Judged(litmus);
}

void Peer(Litmus* litmus) {
  if (!IsOf(litmus, current()->mm.PeekOwn())) return;
  WRITE_ONCE(litmus->y, 1);
  litmus->r1 = READ_ONCE(litmus->x) + 1;
  Judged(litmus);
}

// As a driver's thread does that works on a process's memory.
void PeerInKthread(Litmus* litmus, Task* owner) {
  Mm* const mm = get_task_mm(owner);
  if (mm == nullptr) return;
  kthread_use_mm(mm);
  Peer(litmus);
  kthread_unuse_mm(mm);
  mmput(mm);
}

}  // namespace

void RegisterMembarrierOps() {
  using Who = OpSpec::Who;
  RegisterOp({.name = "membarrier_caller",
              .usage = "membarrier_caller LITMUS",
              .what = "stores x, calls membarrier (private expedited), and loads y",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { Caller(ObjectArg<Litmus>(op, 0), &membarrier_private_expedited); },
              .object = &ObjectOf<Litmus>});
  RegisterOp({.name = "membarrier_global",
              .usage = "membarrier_global LITMUS",
              .what = "stores x, calls membarrier (global expedited), and loads y",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { Caller(ObjectArg<Litmus>(op, 0), &membarrier_global_expedited); },
              .object = &ObjectOf<Litmus>});
  RegisterOp({.name = "membarrier_peer",
              .usage = "membarrier_peer LITMUS",
              .what = "stores y, and loads x",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { Peer(ObjectArg<Litmus>(op, 0)); },
              .object = &ObjectOf<Litmus>});
  RegisterOp({.name = "membarrier_kthread",
              .usage = "membarrier_kthread LITMUS TASK",
              .what = "stores y, and loads x, with the mm of TASK taken on",
              .who = Who::kKthread,
              .args = {ArgKind::kObject, ArgKind::kTask},
              .run = [](const BoundOp& op) {
                PeerInKthread(ObjectArg<Litmus>(op, 0), &Kernel::Get().tasks[op.args[1]]);
              },
              .object = &ObjectOf<Litmus>});
}

}  // namespace shootdown::kernel
