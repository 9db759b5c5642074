#include "fuzz/scenario/undone.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "fuzz/base/check.h"
#include "fuzz/kernel/ops.h"

namespace shootdown {
namespace {

bool Serves(const Operation& op) {
  std::string name;
  std::istringstream(op.text) >> name;
  const std::vector<const kernel::OpSpec*> all = kernel::AllOps();
  const auto spec = std::ranges::find(all, name, &kernel::OpSpec::name);
  return spec != all.end() &&
         ((*spec)->use == kernel::OpUse::kServes || (*spec)->use == kernel::OpUse::kHelps);
}

}  // namespace

std::vector<Undone> FindUndone(const Scenario& scenario, std::span<const std::uint32_t> reached) {
  SHOOTDOWN_CHECK(reached.size() == 2 * scenario.tasks.size());
  std::vector<Undone> undone;
  for (std::size_t t = 0; t < scenario.tasks.size(); ++t) {
    const std::size_t begun = reached[2 * t];
    const std::size_t done = reached[2 * t + 1];
    const std::vector<Operation>& ops = scenario.tasks[t].ops;
    if (done == ops.size()) continue;
    undone.push_back(
        {.task = t, .first = done, .begun = begun > done, .serves = Serves(ops[done])});
  }
  return undone;
}

}  // namespace shootdown
