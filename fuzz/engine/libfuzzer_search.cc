#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/base/check.h"
#include "fuzz/base/hash.h"
#include "fuzz/engine/libfuzzer_hooks.h"
#include "fuzz/engine/mutator.h"
#include "fuzz/engine/search.h"
#include "fuzz/engine/search_limits.h"
#include "fuzz/strategy/blend.h"

extern "C" int LLVMFuzzerRunDriver(int* argc, char*** argv,
                                   int (*callback)(const std::uint8_t* data, std::size_t size));

namespace shootdown {
namespace {

// Those that libFuzzer can mutate, as many as there can be files for.
std::vector<Schedule> UsableSeeds(const std::vector<Schedule>& seeds) {
  std::vector<Schedule> usable;
  std::ranges::copy_if(seeds, std::back_inserter(usable),
                       [](const Schedule& s) { return s.size() <= kDecisionCountMax; });
  constexpr rlim_t kOtherFiles = 64;
  rlimit files = {};
  SHOOTDOWN_CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
  if (usable.size() + kOtherFiles > files.rlim_cur) {
    files.rlim_cur = std::min<rlim_t>(usable.size() + kOtherFiles, files.rlim_max);
    SHOOTDOWN_CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
    usable.resize(std::min<std::size_t>(usable.size(), files.rlim_cur - std::min(files.rlim_cur, kOtherFiles)));
  }
  return usable;
}

// libFuzzer reads what to start from in files; these are in memory. In the order of `seeds`.
std::string SeedFiles(const std::vector<Schedule>& seeds) {
  std::string names;
  for (const Schedule& seed : seeds) {
    std::vector<std::uint8_t> bytes = seed.Encode();
    if (bytes.empty()) bytes.push_back(0);  // a file without a byte would be passed over
    const int fd = memfd_create("shootdown-seed", MFD_CLOEXEC);
    SHOOTDOWN_CHECK(fd >= 0);
    SHOOTDOWN_CHECK(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    names += (names.empty() ? "/proc/self/fd/" : ",/proc/self/fd/") + std::to_string(fd);
  }
  return names;
}

}  // namespace

void LibFuzzerSearch(sim::Subject& subject, const SearchOptions& options,
                     const SearchListener& listener) {
  static Target target(subject, options.feedback);
  target.OnFound(listener.found);
  target.BeforeRun(listener.before_run);
  target.AddKnown(options.known_features);
  const std::vector<Schedule> seeds = UsableSeeds(options.seeds);
  // libFuzzer's first run is the empty input, to see that the target returns at all.
  const std::uint64_t kept_run_count = seeds.empty() ? 0 : 1 + seeds.size();
  // libFuzzer takes 32 bits, and draws a seed of its own for 0.
  const std::uint64_t seed = Mix64(options.seed) % 0x7fff'ffffu + 1;
  std::vector<std::string> words = {
      "shootdown",
      "-seed=" + std::to_string(seed),
      "-max_len=" + std::to_string(kDecisionCountMax * Schedule::kRecordBytes),
      "-len_control=0",
      // Children of one corpus element, each from the one before it. The first of them needs the run of
      // its parent made again, and picking an element is dear next to a run.
      "-mutate_depth=20",
      "-verbosity=0",
      "-detect_leaks=0",
      "-rss_limit_mb=0",
      "-reload=0",
      // A crash is our own bug: it must look like one, and leave no files about (there can be none
      // in /proc; a sanitizer's report is not among the signals below).
      "-artifact_prefix=/proc/",
      "-handle_abrt=0",
      "-handle_bus=0",
      "-handle_fpe=0",
      "-handle_ill=0",
      "-handle_int=0",
      "-handle_segv=0",
      "-handle_term=0",
      "-handle_usr1=0",
      "-handle_usr2=0",
      "-handle_xfsz=0",
  };
  // libFuzzer's -runs is an int, and does not count seeds; its -max_total_time ends when a second more
  // is over. So both limits are kept here.
  static SearchListener counting = listener;
  static Blend blend(options.seed);
  counting.ran = [&listener, limits = SearchLimits(options)](const Target& ran) {
    if (listener.ran) listener.ran(ran);
    if (ran.run_count() == 1) blend.LearnFrom(ran.machine());
    // exit() inside a run is a crash in libFuzzer's eyes, and it would write a file about it.
    if (limits.Reached(ran.run_count())) std::_Exit(0);
  };
  SetLibFuzzerTarget(&target, &counting, &blend, kept_run_count);
  if (!seeds.empty()) {
    words.push_back("-seed_inputs=" + SeedFiles(seeds));
    words.insert(words.end(), {"-shuffle=0", "-prefer_small=0"});
  }
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  int argc = static_cast<int>(words.size());
  char** args = argv.data();
  std::exit(LLVMFuzzerRunDriver(&argc, &args, &RunLibFuzzerInput));
}

}  // namespace shootdown
