#include "tests/fuzz/kernel/x86_workload.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/base/prng.h"
#include "tests/fuzz/kernel/workload.h"

namespace shootdown::testing {
namespace {

class Extender {
 public:
  Extender(Scenario scenario, std::uint64_t seed) : scenario_(std::move(scenario)), prng_(seed) {}

  Scenario Make() {
    scenario_.arch = "x86_64";
    scenario_.version.clear();
    scenario_.machine.tlb_sharing = 1;  // threads of one core do not use each other's entries
    // Page tables come from the pool too.
    scenario_.machine.page_count += 2 * static_cast<int>(scenario_.tasks.size());
    for (TaskSpec& task : scenario_.tasks) {
      std::erase_if(task.setup, [](const Operation& op) { return !ForAllArchs(op); });
      std::erase_if(task.ops, [](const Operation& op) { return !ForAllArchs(op); });
      const int count = Below(6);
      for (int i = 0; i < count; ++i) {
        // Services of kernel threads go on until their owner ends them.
        if (task.kthread && !task.ops.empty() && task.ops[0].text.find("yield") != 0) break;
        const int at = Below(static_cast<int>(task.ops.size()) + 1);
        task.ops.insert(task.ops.begin() + at, Operation{task.kthread ? AnyOp() : UserOp()});
      }
    }
    return scenario_;
  }

 private:
  // Some operations are those of one architecture.
  static bool ForAllArchs(const Operation& op) {
    constexpr std::string_view kWords[] = {
        "mmap",   "munmap", "touch",    "write",        "flush_tlb_mm", "migrate", "yield",
        "wake",   "sleep",  "clone",    "exit",         "proc_open",    "proc_read", "proc_close",
        "userfaultfd",      "userfaultfd_copy",         "userfaultfd_close",
        "io_uring_setup",   "io_uring_submit",          "io_uring_close", "io_sq_thread",
        "vhost_set_owner",  "vhost_kick",               "vhost_release",  "vhost_worker"};
    const std::string word = op.text.substr(0, op.text.find(' '));
    return std::ranges::find(kWords, word) != std::end(kWords);
  }
  int Below(int n) { return static_cast<int>(prng_.Below(static_cast<std::uint32_t>(n))); }
  std::string Page() { return std::string(1, static_cast<char>('A' + Below(4))); }
  std::string HighPage() { return std::string(1, static_cast<char>('E' + Below(3))); }
  std::string AnyPage() { return Below(2) == 0 ? Page() : HighPage(); }
  std::string Range() { return Page() + " " + std::to_string(1 + Below(3)); }
  std::string AnyTask() {
    return scenario_.tasks[static_cast<std::size_t>(
                               Below(static_cast<int>(scenario_.tasks.size())))]
        .name;
  }

  std::string AnyOp() {
    switch (Below(6)) {
      case 0: return "oom_reap " + AnyTask();
      case 1: return "file_truncate file" + std::to_string(Below(2));
      case 2: return "file_writeback file" + std::to_string(Below(2));
      case 3: return "pfn_release device";
      default: return "reclaim " + AnyTask() + " " + AnyPage();
    }
  }

  std::string UserOp() {
    switch (Below(16)) {
      case 0: return "madvise " + Range();
      case 1: return "madvise_free " + Range();
      case 2: return "mprotect " + Range();
      case 3: return "mprotect_write " + Range();
      case 4: return "mremap " + Page() + " " + HighPage();
      case 5: return "mremap " + HighPage() + " " + Page() + " 2";
      case 6: return "numa_hint " + Range();
      case 7: return "file_mmap file" + std::to_string(Below(2)) + " " + AnyPage();
      case 8: return "pfn_mmap device " + AnyPage();
      case 9: return "hugetlb_mmap huge " + AnyPage();
      case 10: return "touch " + AnyPage();
      case 11: return "write " + AnyPage();
      case 12: return "munmap " + HighPage();
      default: return AnyOp();
    }
  }

  Scenario scenario_;
  Prng prng_;
};

}  // namespace

Scenario RandomX86Workload(std::uint64_t seed) {
  return Extender(RandomWorkload(seed), seed ^ 0x8664).Make();
}

}  // namespace shootdown::testing
