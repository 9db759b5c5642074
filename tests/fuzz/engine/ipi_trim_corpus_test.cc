// sparc64.flush = ipi_trim in every sparc64 scenario of corpus/ that is clean, whatever it is
// about, with both flavours of cross calls: trimming by IPI breaks nothing that works without it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::CorpusNames;
using testing::CorpusScenario;
using testing::MutationLoop;
using testing::TestName;
using testing::Verdict;

constexpr std::uint64_t kRunCount = 1'500;

std::vector<std::string> CleanSparc64Names() {
  std::vector<std::string> names = CorpusNames(Verdict::kClean);
  std::erase_if(names,
                [](const std::string& name) { return CorpusScenario(name).arch != "sparc64"; });
  return names;
}

Scenario WithIpiTrim(const std::string& name, sim::MondoFlavour flavour) {
  Scenario scenario = CorpusScenario(name);
  std::erase_if(scenario.version, [](const VersionChoice& v) { return v.name == "sparc64.flush"; });
  scenario.version.push_back({"sparc64.flush", "ipi_trim"});
  scenario.machine.mondo_flavour = flavour;
  return scenario;
}

TEST(IpiTrimCorpusTest, ThereAreScenariosOfAllKinds) { EXPECT_GE(CleanSparc64Names().size(), 50u); }

class IpiTrimTest : public ::testing::TestWithParam<std::string> {};

TEST_P(IpiTrimTest, StaysClean) {
  for (const sim::MondoFlavour flavour : {sim::MondoFlavour::kSun4u, sim::MondoFlavour::kSun4v}) {
    ScenarioProblem problem;
    const auto simulation = Simulation::Build(WithIpiTrim(GetParam(), flavour), &problem);
    ASSERT_NE(simulation, nullptr) << problem.message;

    MutationLoop loop(*simulation, 1);
    loop.Run(kRunCount, 1);

    EXPECT_TRUE(loop.found().empty())
        << loop.found()[0].kind_key << " with " << loop.found()[0].exact.ToText();
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, IpiTrimTest, ::testing::ValuesIn(CleanSparc64Names()),
                         [](const auto& scenario) { return TestName(scenario.param); });

}  // namespace
}  // namespace shootdown
