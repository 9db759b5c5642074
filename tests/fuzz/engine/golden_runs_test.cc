// The run in the default order of every scenario of corpus/, as a hash: nothing changes unseen.
// tests/golden/update writes the golden file anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "fuzz/engine/record.h"
#include "fuzz/sim/trace.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

constexpr char kFile[] = SHOOTDOWN_GOLDEN_DIR "/default_runs.txt";

// `<scenario> <rows> <hash> <what was found>`
std::string LineOf(const std::string& name) {
  const auto simulation = testing::BuildCorpus(name);
  const std::string kind = testing::KindOf(*simulation, Schedule());
  const auto hashes = sim::ChainedHashes(simulation->machine().log());
  return name + " " + std::to_string(hashes.size()) + " " + TraceHash(hashes) + " " +
         kind.substr(0, kind.find('|')) + "\n";
}

TEST(GoldenRunsTest, EveryScenarioRunsAsItDid) {
  std::string now;
  for (const std::string& name : testing::CorpusNames()) now += LineOf(name);
  if (const char* const update = std::getenv("UPDATE_GOLDEN");
      update != nullptr && std::string_view(update) == "1") {
    std::ofstream(kFile) << now;
  }

  std::ostringstream golden;
  golden << std::ifstream(kFile).rdbuf();

  EXPECT_EQ(now, golden.str());
}

}  // namespace
}  // namespace shootdown
