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
  kObject,  // a name; the object that OpSpec::object makes of it, as an address
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
};

// REQUIRES: no operation of that name yet.
void RegisterOp(const OpSpec& spec);
// All operations, ascending by name. The built-in ones are always there.
[[nodiscard]] std::vector<const OpSpec*> AllOps();

struct BindContext {
  Kernel& kernel;
  bool kthread;
  int cpu_count;
  std::function<int(std::string_view)> task_number;  // -1: no such task
};
// Resolves `text`. Returns an empty string and fills `bound`, or says what is wrong: what was found,
// and what was wanted.
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
void RegisterTaskOps();
void RegisterIoUringOps();
void RegisterVhostOps();
void RegisterUserfaultfdOps();
void RegisterProcOps();
void RegisterHotplugOps();

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_OPS_H_
