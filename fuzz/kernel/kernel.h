// The kernel as a whole: its objects, and how a scenario's tasks come to life in it.
//
// One kernel lives on one machine. Boot() lays everything out in the arena; then setup operations
// run once in the default order, and what stands then is the snapshot that every run starts from.
#ifndef SHOOTDOWN_FUZZ_KERNEL_KERNEL_H_
#define SHOOTDOWN_FUZZ_KERNEL_KERNEL_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "fuzz/kernel/events.h"
#include "fuzz/kernel/types.h"
#include "fuzz/sim/machine.h"

namespace shootdown::kernel {

struct Arch;
struct OpSpec;

// An operation with its words resolved.
struct BoundOp {
  const OpSpec* spec = nullptr;
  std::array<std::uint64_t, 4> args{};
};

struct BootTask {
  std::string name;
  int process = -1;  // tasks with the same number share an mm; -1: kernel thread
  int cpu = 0;
  bool starts_asleep = false;  // some other task's `clone` starts it
  std::vector<BoundOp> setup = {};
  std::vector<BoundOp> ops = {};
};

inline constexpr int kTaskCountMax = 60;
inline constexpr int kMmCountMax = 16;

// The kernel's objects, in the arena, for kernel code and judges alike.
struct KernelObjects {
  PerCpu* cpus = nullptr;
  Task* tasks = nullptr;
  Task* idle = nullptr;
  std::array<Task*, 256> by_thread{};  // tasks and idle tasks, by ActorId::code(): below 64 each
  Mm* mms = nullptr;  // mms[0] is init_mm
  Mm* init_mm = nullptr;
  Page* pages = nullptr;
  Globals* globals = nullptr;
  int task_count = 0;
  int mm_count = 0;
  int page_count = 0;
  int tsb_entries = 0;
  std::vector<BootTask> boot;  // how each task came to be
  const Arch* arch = nullptr;
};

class Kernel : public KernelObjects {
 public:
  Kernel(sim::Machine& machine, const Arch& arch);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  [[nodiscard]] static Kernel& Get() { return *live_; }

  // An object of a driver's own (`ring`, `ufd`), allocated on first mention. Before Boot.
  template <class T>
  T* Object(const std::string& name) {
    void*& slot = objects_[name];
    if (slot == nullptr) slot = machine_.arena().Alloc<T>(name);
    return static_cast<T*>(slot);
  }

  // Lays out tasks, mms and CPUs. REQUIRES: the tasks' process numbers are below `process_count`. An mm
  // of which no task is does not exist yet: exec makes it.
  void Boot(std::vector<BootTask> tasks, int process_count);
  // Runs all setup operations and takes the snapshot. False if setup deadlocked, ran out of steps or
  // broke a rule: the scenario is at fault.
  [[nodiscard]] bool Setup(sim::Scheduler& default_order);

  [[nodiscard]] sim::Machine& machine() { return machine_; }
  Judges& judges() { return judges_; }

  // The run is that of Setup(): nothing is judged at its end.
  [[nodiscard]] bool in_setup() const { return in_setup_; }

  // What a run ends with when nothing can go on.
  void Quiet();

  // How far the tasks have come in any run: two numbers a task, how many of its operations some run has begun,
  // and how many some run has done. A task does its operations in order, so that says it of each of them.
  // They only grow, until somebody sets them to 0. No part of a run: they lie outside of guest memory, no run
  // reads them, and going back in a run leaves them as they are.
  [[nodiscard]] std::span<std::uint32_t> reached() { return reached_; }
  // The operation that `task` is in is its last: it dies there. REQUIRES: in that operation it dies in each run
  // that comes to its end.
  void NoteDeath(const Task& task);

 private:
  static void ThreadMain(ActorId thread, bool switched_in);
  void BootMms();
  void BootIdleTasks();
  void BootOneTask(int t);
  void RunOps(Task* task);
  [[nodiscard]] std::uint32_t& Begun(const Task& task) {
    return reached_[2 * static_cast<std::size_t>(task.number)];
  }
  [[nodiscard]] std::uint32_t& Done(const Task& task) {
    return reached_[2 * static_cast<std::size_t>(task.number) + 1];
  }

  inline static Kernel* live_ = nullptr;
  bool in_setup_ = false;
  sim::Machine& machine_;
  Judges judges_;
  std::map<std::string, void*> objects_;
  std::vector<std::uint32_t> reached_;
};

// The CPU that runs this code, and its data. Private to the CPU: no steps.
inline int smp_processor_id() { return sim::Machine::Get().cpu(); }
inline PerCpu& this_cpu() { return Kernel::Get().cpus[smp_processor_id()]; }
inline Task* TaskOf(ActorId thread) { return Kernel::Get().by_thread[thread.code()]; }
inline Task* TaskOn(int cpu) { return TaskOf(sim::Machine::Get().thread(cpu)); }
// `current` in the kernel.
inline Task* current() { return TaskOn(smp_processor_id()); }

// Tells the judges. `event.cpu` and `event.task` are filled in. Does not return if one of them has found
// something, but at the end of a run.
inline void Tell(Event event) {
  const Judges& judges = Kernel::Get().judges();
  if (!judges.Hear(event.kind)) return;
  event.cpu = smp_processor_id();
  event.task = current();
  judges.Tell(event);
  if (sim::Machine& m = sim::Machine::Get(); m.stop_requested()) [[unlikely]] m.StopRun();
}

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_KERNEL_H_
