// vhost: a worker that uses its owner's mm for life, on a reference which the owner took itself with
// get_task_mm. It keeps to the old rule (mm.h). Source: Linux 4.19 drivers/vhost/vhost.c
// vhost_dev_set_owner(), vhost_worker().
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/user_access.h"

namespace shootdown::kernel {
namespace {

struct VhostDev {
  Cell<Mm*> mm;
  Cell<std::uint64_t> work_tail;
  Cell<std::uint64_t> work_head;
  Cell<std::uint64_t> work;  // page, and 256 for a write
  Cell<std::uint64_t> stop;
  Cell<std::uint64_t> stopped;
};

void vhost_dev_set_owner(VhostDev* dev) { WRITE_ONCE(dev->mm, get_task_mm(current())); }

void vhost_work_queue(VhostDev* dev, std::uint64_t access, std::uint64_t page) {
  WRITE_ONCE(dev->work, access * 256 + page);
  WRITE_ONCE(dev->work_tail, READ_ONCE(dev->work_tail) + 1);
}

void vhost_dev_cleanup(VhostDev* dev) {
  if (READ_ONCE(dev->mm) == nullptr) return;  // a device without an owner has no worker
  WRITE_ONCE(dev->stop, 1);
  PollUntil(SHOOTDOWN_SITE("dev->stopped"), sim::WaitKind::kBlocked,
            [dev] { return dev->stopped.Peek() != 0; });
  Mm* const mm = READ_ONCE(dev->mm);
  mmput(mm);
  WRITE_ONCE(dev->mm, nullptr);
}

void vhost_worker(VhostDev* dev) {
  // Also in work_head; that store may be on its way to memory still, so waits do not look there.
  std::uint64_t head = 0;
  const auto something = [dev, &head] {
    return dev->work_tail.Peek() != head || dev->stop.Peek() != 0;
  };
  PollUntil(SHOOTDOWN_SITE("dev->mm"), sim::WaitKind::kIdle,
            [dev] { return dev->mm.Peek() != nullptr; });
  Mm* const mm = READ_ONCE(dev->mm);
  kthread_use_mm(mm);
  for (;;) {
    PollUntil(SHOOTDOWN_SITE("dev->work_tail"), sim::WaitKind::kIdle, something);
    const std::uint64_t tail = READ_ONCE(dev->work_tail);
    if (tail == head) {
      if (READ_ONCE(dev->stop) != 0) break;
      continue;
    }
    const std::uint64_t work = READ_ONCE(dev->work);
    user_access(VirtPage(static_cast<std::uint8_t>(work % 256)),
                work >= 256 ? UserAccessKind::kWrite : UserAccessKind::kRead);
    head = tail;
    WRITE_ONCE(dev->work_head, head);
  }
  kthread_unuse_mm(mm);
  WRITE_ONCE(dev->stopped, 1);
}

}  // namespace

void RegisterVhostOps() {
  using Who = OpSpec::Who;
  RegisterOp({.name = "vhost_set_owner",
              .usage = "vhost_set_owner DEV",
              .what = "gives the device an mm_users reference of the caller's mm (get_task_mm)",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { vhost_dev_set_owner(ObjectArg<VhostDev>(op, 0)); },
              .object = &ObjectOf<VhostDev>,
              .use = OpUse::kOpens});
  RegisterOp({.name = "vhost_kick",
              .usage = "vhost_kick DEV read|write PAGE",
              .what = "asks the worker to access user memory",
              .who = Who::kUser,
              .args = {ArgKind::kObject, ArgKind::kAccess, ArgKind::kPage},
              .run = [](const BoundOp& op) {
                vhost_work_queue(ObjectArg<VhostDev>(op, 0), op.args[1], op.args[2]);
              },
              .object = &ObjectOf<VhostDev>,
              .use = OpUse::kOwner});
  RegisterOp({.name = "vhost_release",
              .usage = "vhost_release DEV",
              .what = "stops the worker and drops the device's reference",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { vhost_dev_cleanup(ObjectArg<VhostDev>(op, 0)); },
              .object = &ObjectOf<VhostDev>,
              .use = OpUse::kCloses});
  RegisterOp({.name = "vhost_worker",
              .usage = "vhost_worker DEV",
              .what = "serves a device: kthread_use_mm for life",
              .who = Who::kKthread,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { vhost_worker(ObjectArg<VhostDev>(op, 0)); },
              .object = &ObjectOf<VhostDev>,
              .use = OpUse::kServes});
}

}  // namespace shootdown::kernel
