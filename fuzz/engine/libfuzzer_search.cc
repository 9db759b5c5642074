#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "fuzz/base/hash.h"
#include "fuzz/engine/libfuzzer_hooks.h"
#include "fuzz/engine/mutator.h"
#include "fuzz/engine/search.h"

extern "C" int LLVMFuzzerRunDriver(int* argc, char*** argv,
                                   int (*callback)(const std::uint8_t* data, std::size_t size));

namespace shootdown {

void LibFuzzerSearch(Simulation& simulation, const SearchOptions& options,
                     const SearchListener& listener) {
  static Target target(simulation);
  target.OnFound(listener.found);
  SetLibFuzzerTarget(&target, &listener);
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
      // A crash is our own bug: it must look like one, and leave no files about.
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
  // libFuzzer's -runs is an int, and -1 is no limit. More than that is counted here.
  static SearchListener counting = listener;
  if (options.run_count_max > std::numeric_limits<int>::max()) {
    counting.ran = [&listener, most = options.run_count_max](const Target& ran) {
      if (listener.ran) listener.ran(ran);
      if (ran.run_count() >= most) std::exit(0);
    };
    SetLibFuzzerTarget(&target, &counting);
  } else if (options.run_count_max != 0) {
    words.push_back("-runs=" + std::to_string(options.run_count_max));
  }
  if (options.second_count_max != 0) {
    words.push_back("-max_total_time=" + std::to_string(options.second_count_max));
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
