// Operations: what a scenario's tasks do, one line each (`munmap A`). A user's own protocol adds
// operations of its own with RegisterOp, before scenarios are read.
#ifndef SHOOTDOWN_FUZZ_KERNEL_OPS_H_
#define SHOOTDOWN_FUZZ_KERNEL_OPS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

enum class ArgKind : std::uint8_t {
  kPage,    // A .. H
  kCount,   // 1 .. 8
  kCpu,     // 0 .. cpus-1
  kTask,    // the name of a task; its number
  kAccess,  // read | write; UserAccessKind
  kImage,   // a process that no task is of, for exec to make; its number
  kObject,  // a name; the object that OpSpec::object makes of it, as an address
};

// How a correct program uses an operation: what random workloads (fuzz/scenario/generate.h) keep
// to. Operations with the same OpSpec::object are about one kind of object.
enum class OpUse : std::uint8_t {
  kAnytime,  // by any task that OpSpec::who allows; if another operation opens its object: on one
             // that is shared, or the task's own
  kMayWait,  // as kAnytime, but it may wait for ever: not in a process whose end others wait for
  kAwaits,   // it waits until its object's owner has ended: in another process that may wait. All
            // tasks of the owner's process then end, and close what they opened
  kOpens,   // once for each object, before all else; that task owns it
  kOwner,   // by the owner of its object, while it is open
  kCloses,  // by the owner, once, after all else; nobody else may use the object then. If
            // operations serve its kind of object: only if one does
  kServes,  // the only operation of a kernel thread, one for an object
  kHelps,   // the only operation of a kernel thread, which is there if others wait for a process's
            // end
  kStarts,  // once for the task that it names, which does not exist before
  kLast,    // nothing of the task comes after it; the task leaves its mm
  kLastOfAll,  // as kLast; it waits for the process's other tasks to end, which they do
  kBoot,       // the first operation of the first setup
  kSetup,      // in a setup alone
  kTrap,  // as kAnytime, where a flush waits until cross calls are executed (mondo_done: EXECUTED)
  kTrapLast,  // as kLast, under that condition
  kLeftCpu,   // once, on a CPU that all tasks have left for good in their setup
};

struct OpSpec {
  enum class Who : std::uint8_t { kUser, kKthread, kAny };
  std::string_view name;
  std::string_view usage;  // `munmap PAGE [COUNT]`
  std::string_view what;   // one sentence
  Who who = Who::kAny;
  std::vector<ArgKind> args = {};
  std::size_t optional = 0;  // that many last arguments may be missing; a missing count is 1
  void (*run)(const BoundOp& op) = nullptr;
  void* (*object)(Kernel& kernel, const std::string& name) = nullptr;
  std::string_view arch = {};  // only there has it a meaning; empty: everywhere
  OpUse use = OpUse::kAnytime;
};

// REQUIRES: no operation of that name yet.
void RegisterOp(const OpSpec& spec);
// All operations, ascending by name. The built-in ones are always there.
[[nodiscard]] std::vector<const OpSpec*> AllOps();

struct BindContext {
  Kernel& kernel;
  bool kthread;
  bool in_setup;
  int cpu_count;
  std::function<int(std::string_view)> task_number;  // -1: no such task
  std::function<int(std::string_view)> new_process;  // -1: a task's own, or one too many
};
// Resolves `text`. Returns an empty string and fills `bound`, or says what is wrong: what was
// found, and what was wanted.
[[nodiscard]] std::string BindOp(std::string_view text, const BindContext& context, BoundOp* bound);

template <class T>
void* ObjectOf(Kernel& kernel, const std::string& name) {
  return kernel.Object<T>(name);
}
template <class T>
T* ObjectArg(const BoundOp& op, std::size_t i) {
  return reinterpret_cast<T*>(op.args[i]);
}
inline VirtPage PageArg(const BoundOp& op, std::size_t i) {
  return VirtPage(static_cast<std::uint8_t>(op.args[i]));
}

// The built-in operations, a group a file.
void RegisterMemoryOps();
void RegisterMlockOps();
void RegisterProtectOps();
void RegisterFileOps();
void RegisterReclaimOps();
void RegisterKvmGuestOps();
void RegisterXenOps();
void RegisterTextPokeOps();
void RegisterMembarrierOps();
void RegisterTaskOps();
void RegisterIoUringOps();
void RegisterSqoTaskOps();
void RegisterVhostOps();
void RegisterUserfaultfdOps();
void RegisterProcOps();
void RegisterCoredumpOps();
void RegisterSparc64Ops();
void RegisterExecOps();
void RegisterBinderOps();
void RegisterHotplugOps();

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_OPS_H_
