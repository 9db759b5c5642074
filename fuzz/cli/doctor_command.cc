#include <sys/statvfs.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_format.h"
#include "fuzz/cli/commands.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/store_option.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"

namespace shootdown {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFreeBytesMin = std::uint64_t{100} << 20;

struct Diagnosis {
  bool fit = true;
  void Say(bool good, const std::string& what) {
    std::printf("%s  %s\n", good ? "ok  " : "BAD ", what.c_str());
    fit = fit && good;
  }
};

std::uint64_t MemoryKiB(const std::string& key) {
  std::ifstream file("/proc/meminfo");
  std::string word;
  std::uint64_t value = 0;
  while (file >> word) {
    if (word == key + ":") file >> value;
  }
  return value;
}

void LookAtScenarios(Diagnosis& d) {
  const auto all = LoadCorpus();
  if (!all.ok()) {
    d.Say(false, std::string(all.status().message()));
    return;
  }
  d.Say(!all->empty(), absl::StrFormat("%d scenarios in %s", all->size(), *CorpusFolder()));
  if (all->empty()) return;
  const auto simulation = BuildSimulation(all->front());
  if (!simulation.ok()) {
    d.Say(false, std::string(simulation.status().message()));
    return;
  }
  // The same run twice must be the same, and a run must be quick.
  const Schedule empty;
  ScheduleScheduler scheduler(empty);
  (void)(*simulation)->Run(scheduler);
  const auto first = sim::ChainedHashes((*simulation)->machine().log());
  const auto start = std::chrono::steady_clock::now();
  constexpr int kRuns = 20'000;
  for (int i = 0; i < kRuns; ++i) (void)(*simulation)->Run(scheduler);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto last = sim::ChainedHashes((*simulation)->machine().log());
  d.Say(first == last,
        absl::StrFormat("%d runs of %s %s the same, %.0f a second", kRuns,
                        all->front().scenario.name, first == last ? "were" : "were not", kRuns / seconds));
}

// By trying: rights on paper say nothing of a file system that is read-only, or makes no folders.
bool CanBeWritten(const fs::path& folder) {
  std::string name = (folder / "shootdown-doctor-XXXXXX").string();
  return mkdtemp(name.data()) != nullptr && rmdir(name.c_str()) == 0;
}

void LookAtStore(Diagnosis& d, const std::string& given) {
  const std::string path = StorePath(given);
  std::error_code error;
  fs::path existing = fs::absolute(path, error);
  while (!existing.empty() && !fs::exists(existing, error)) existing = existing.parent_path();
  struct statvfs space = {};
  if (statvfs(existing.c_str(), &space) == 0) {
    const std::uint64_t free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
    d.Say(free_bytes >= kFreeBytesMin,
          absl::StrFormat("%d MiB free for the store, wanted 100", free_bytes >> 20));
  }
  const bool writable = CanBeWritten(existing);
  d.Say(writable,
        absl::StrFormat("the store's folder %s %s be written", path, writable ? "can" : "cannot"));
  if (!fs::exists(path, error)) return;
  const auto store = Store::Open(path, OpenMode::kReadOnly);
  if (!store.ok()) {
    d.Say(false, std::string(store.status().message()));
    return;
  }
  const auto list = (*store)->ListFailures();
  d.Say(list.ok() && list->damaged.empty(),
        list.ok() ? absl::StrFormat("%s in the store, %d damaged", Counted(list->failures.size(), "failure"),
                                    list->damaged.size())
                  : std::string(list.status().message()));
}

int Doctor(const std::string& store) {
  Diagnosis d;
  d.Say(sysconf(_SC_PAGESIZE) == 4096,
        absl::StrFormat("pages of %d bytes, wanted 4096", sysconf(_SC_PAGESIZE)));
  const std::uint64_t memory = MemoryKiB("MemAvailable") >> 10;
  d.Say(memory >= 256, absl::StrFormat("%d MiB of memory available, wanted 256", memory));
  LookAtScenarios(d);
  LookAtStore(d, store);
  std::printf("%s\n", d.fit ? "this machine is fit" : "this machine is not fit, see BAD above");
  return d.fit ? kExitDone : kExitOurFault;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, int* exit_status) {
  auto* const command = app.add_subcommand("doctor", "is this machine fit, and why not");
  ExplainExitStatus(*command, {.done = "fit", .our_fault = "not fit, or our own fault"});
  const auto store = std::make_shared<std::string>();
  AddStoreOption(*command, *store);
  command->callback([store, exit_status] { *exit_status = Doctor(*store); });
}

}  // namespace shootdown
