#include "tests/fuzz/kernel/workload.h"

#include <string>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/kernel/arch/arch.h"

namespace shootdown::testing {
namespace {

class Generator {
 public:
  Generator(std::uint64_t seed, const std::string& arch) : prng_(seed) { scenario_.arch = arch; }

  Scenario Make() {
    scenario_.name = "random workload";
    scenario_.expected = "clean";
    if (OneIn(2) && scenario_.arch == "sparc64") {
      scenario_.version = {{.name = "sparc64.flush", .value = "ipi_trim"}};
    }
    ChooseMachine();
    // Users come first, so that there is a process whatever else is chosen.
    const int tasks = 2 + Below(4);
    const int users = 1 + Below(tasks);
    for (int t = 0; t < users; ++t) AddUser(t);
    for (int t = users; t < tasks; ++t) AddKthread(t);
    for (TaskSpec& task : scenario_.tasks) task.kthread ? FillKthread(task) : FillUser(task);
    return scenario_;
  }

 private:
  int Below(int n) { return static_cast<int>(prng_.Below(static_cast<std::uint32_t>(n))); }
  bool OneIn(std::uint32_t n) { return prng_.OneIn(n); }
  std::string Page() { return std::string(1, static_cast<char>('A' + Below(3))); }
  std::string Access() { return OneIn(2) ? "read" : "write"; }
  std::string Cpu() { return std::to_string(Below(scenario_.machine.cpu_count)); }
  std::string Range() { return Page() + " " + std::to_string(1 + Below(3)); }

  void ChooseMachine() {
    sim::MachineConfig& m = scenario_.machine;
    m.cpu_count = 2 + Below(3);
    m.memory_model = OneIn(3) ? sim::MemoryModel::kSc : sim::MemoryModel::kTso;
    m.store_buffer_entries = 1 << Below(4);
    m.tlb_entries = 1 << Below(3);
    // Only sparc64 knows strands that share a TLB.
    m.tlb_sharing = OneIn(4) && scenario_.arch == "sparc64" ? 2 : 1;
    m.mondo_flavour = OneIn(2) ? sim::MondoFlavour::kSun4u : sim::MondoFlavour::kSun4v;
    // A strand in its miss handler can fill a shared TLB after a flush was accepted
    // (flush_test.cc).
    m.mondo_done =
        m.tlb_sharing > 1 || OneIn(4) ? sim::MondoDone::kExecuted : sim::MondoDone::kAccepted;
    m.mondo_queue_entries = 1 + Below(4);
    // Each CPU can have a process of its own loaded, and one number is the kernel's.
    m.context_count = m.cpu_count < 4 && OneIn(2) ? 4 : 8;
    const kernel::Arch* const arch = kernel::FindArch(scenario_.arch);
    if (m.context_count - 1 < m.cpu_count + arch->spare_contexts) m.context_count = 8;
    m.tsb_entries = 1 << Below(3);
    m.page_count = 2 + Below(7);
  }

  void AddUser(int t) {
    TaskSpec task;
    task.name = "u" + std::to_string(t);
    task.cpu = Below(scenario_.machine.cpu_count);
    // Half of all users share the first process; some of those do not exist until they are cloned.
    task.process = t == 0 || OneIn(2) ? "shared" : task.name;
    const bool clonee = t != 0 && task.process == "shared" && OneIn(3);
    if (clonee) clonees_.push_back(task.name);
    if (!clonee && OneIn(2)) task.setup = {Operation{"mmap A 3"}, Operation{"touch " + Page()}};
    scenario_.tasks.push_back(task);
  }

  // A kernel thread serves a ring or a device of some user, or does what any task can do.
  void AddKthread(int t) {
    TaskSpec task;
    task.name = "k" + std::to_string(t);
    task.kthread = true;
    task.cpu = Below(scenario_.machine.cpu_count);
    const int owner = Below(t);
    TaskSpec& user = scenario_.tasks[static_cast<std::size_t>(owner)];
    const bool can_own = !user.kthread && !IsClonee(user.name);
    const int kind = can_own ? Below(3) : 2;
    if (kind == 0) {
      user.setup.push_back(Operation{"io_uring_setup ring" + task.name});
      task.ops = {Operation{"io_sq_thread ring" + task.name}};
    }
    if (kind == 1) {
      user.setup.push_back(Operation{"vhost_set_owner dev" + task.name});
      task.ops = {Operation{"vhost_worker dev" + task.name}};
    }
    if (kind != 2) served_.push_back({.owner = user.name, .name = task.name, .ring = kind == 0});
    scenario_.tasks.push_back(task);
  }

  bool IsClonee(const std::string& name) const {
    for (const std::string& clonee : clonees_) {
      if (clonee == name) return true;
    }
    return false;
  }

  void Add(TaskSpec& task, const std::string& op) { task.ops.push_back(Operation{op}); }

  // What every task can do.
  void AddCommon(TaskSpec& task, bool* file_open) {
    const std::string file = "file_" + task.name;
    switch (Below(8)) {
      case 0:
        return Add(task, "migrate " + Cpu());
      case 1:
        return Add(task, "yield");
      case 2:
        return Add(task, "wake queue" + std::to_string(Below(2)));
      case 3:
        if (OneIn(2)) Add(task, "sleep queue" + std::to_string(Below(2)));
        return;
      case 4:
        if (!*file_open) {
          Add(task, "proc_open " + file + " " +
                        scenario_
                            .tasks[static_cast<std::size_t>(
                                Below(static_cast<int>(scenario_.tasks.size())))]
                            .name);
        }
        *file_open = true;
        return;
      case 5:
        return Add(task, "proc_read " + file + " " + Page());
      case 6:
        if (*file_open) Add(task, "proc_close " + file);
        *file_open = false;
        return;
      default:
        return Add(task, "userfaultfd_copy ufd " + Page());
    }
  }

  // Window traps hold off the cross calls of a flush that is done when they are accepted: on machines
  // where that shows, there are none (corpus/10.4-accepted-not-executed.textproto).
  bool CanSpill() const {
    return scenario_.arch == "sparc64" &&
           scenario_.machine.mondo_done == sim::MondoDone::kExecuted;
  }

  void AddSparc64(TaskSpec& task) {
    if (scenario_.arch != "sparc64") return;
    switch (Below(6)) {
      case 0:
        return Add(task, "trim_mm_cpumask");
      case 1:
        return Add(task, "tsb_grow tsb_" + task.name);
      case 2:
        return Add(task, "hugetlb_setup");
      case 3:
        return Add(task, "kernel_ptes ptes");
      case 4:
        return Add(task, "unmap_one_page " + Page());
      default:
        if (CanSpill()) Add(task, "spill " + Page() + " 2");
        return;
    }
  }

  void FillUser(TaskSpec& task) {
    bool file_open = false;
    if (scenario_.arch == "sparc64" && task.name == "u0" && OneIn(4)) task.setup.push_back(Operation{"perf_event_open " + Page()});
    if (!IsClonee(task.name) && !ufd_made_ && OneIn(2)) {
      ufd_made_ = true;
      task.setup.push_back(Operation{"userfaultfd ufd"});
    }
    if (!IsClonee(task.name) && OneIn(4)) task.setup.push_back(Operation{"migrate " + Cpu()});
    std::vector<Served> mine;
    for (const Served& s : served_) {
      if (s.owner == task.name) mine.push_back(s);
    }
    const int count = 2 + Below(8);
    for (int i = 0; i < count; ++i) {
      // The first user starts one thread that does not exist yet.
      if (task.name == "u0" && !clonees_.empty() && next_clonee_ < clonees_.size() && OneIn(3)) {
        Add(task, "clone " + clonees_[next_clonee_++]);
        continue;
      }
      if (!mine.empty() && OneIn(3)) {
        const Served& s = mine[static_cast<std::size_t>(Below(static_cast<int>(mine.size())))];
        Add(task, (s.ring ? "io_uring_submit ring" : "vhost_kick dev") + s.name + " " + Access() +
                      " " + Page() + (s.ring && OneIn(2) ? " 2" : ""));
        continue;
      }
      switch (Below(9)) {
        case 0:
          Add(task, "mmap " + Range());
          break;
        case 1:
        case 2:
          Add(task, "munmap " + Range());
          break;
        case 3:
          Add(task, "touch " + Page());
          break;
        case 4:
          Add(task, "write " + Page());
          break;
        case 5:
          if (OneIn(3)) Add(task, "flush_tlb_mm");
          break;
        case 6:
          AddSparc64(task);
          break;
        default:
          AddCommon(task, &file_open);
          break;
      }
    }
    // Those that were not started during the work are started at its end: a task that never starts
    // is a scenario of its own.
    while (task.name == "u0" && next_clonee_ < clonees_.size()) {
      Add(task, "clone " + clonees_[next_clonee_++]);
    }
    for (const Served& s : mine) {
      if (OneIn(2)) Add(task, (s.ring ? "io_uring_close ring" : "vhost_release dev") + s.name);
    }
    if (file_open && OneIn(2)) Add(task, "proc_close file_" + task.name);
    if (OneIn(2)) Add(task, CanSpill() && OneIn(2) ? "exit_with_windows " + Page() : "exit");
  }

  void FillKthread(TaskSpec& task) {
    if (!task.ops.empty()) return;
    bool file_open = false;
    const int count = 2 + Below(6);
    for (int i = 0; i < count; ++i) AddCommon(task, &file_open);
    if (OneIn(3)) Add(task, "exit");
  }

  struct Served {
    std::string owner;
    std::string name;
    bool ring;
  };

  Prng prng_;
  Scenario scenario_;
  std::vector<std::string> clonees_;
  std::size_t next_clonee_ = 0;
  std::vector<Served> served_;
  bool ufd_made_ = false;
};

}  // namespace

Scenario RandomWorkload(std::uint64_t seed, const std::string& arch) {
  return Generator(seed, arch).Make();
}

}  // namespace shootdown::testing
