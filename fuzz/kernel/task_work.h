// Work that waits until a task returns to user mode, or dies. Source: Linux 6.7 kernel/task_work.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_TASK_WORK_H_
#define SHOOTDOWN_FUZZ_KERNEL_TASK_WORK_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

// fput() of the last reference on the file that `mm` has mapped: released when the current task
// goes back to user mode; at once for a kernel thread, whose delayed_fput is another one's work.
inline void FputMappedFile(Mm* mm) {
  if (mm->release_mapped_file == nullptr) return;
  Task* const task = current();
  if (task->kthread != 0) {
    mm->release_mapped_file(mm->mapped_file);
    return;
  }
  task->task_work = mm->release_mapped_file;
  task->task_work_argument = mm->mapped_file;
}

inline void task_work_run() {
  Task* const task = current();
  if (task->task_work == nullptr) return;
  void (*const work)(void*) = task->task_work;
  task->task_work = nullptr;
  work(task->task_work_argument);
}

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_TASK_WORK_H_
