#include "fuzz/scenario/unopened.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/kernel/ops.h"

namespace shootdown {
namespace {

using kernel::ArgKind;
using kernel::OpSpec;
using kernel::OpUse;

// Operations with the same maker are about one kind of object.
using Kind = decltype(OpSpec::object);

// What an operation is about, if that has a name.
struct Named {
  const OpSpec* spec = nullptr;
  std::string name;
};

std::optional<Named> ObjectOf(const Operation& op) {
  std::istringstream stream(op.text);
  const std::vector<std::string> words(std::istream_iterator<std::string>(stream), {});
  const std::vector<const OpSpec*> all = kernel::AllOps();
  const auto found = std::ranges::find(all, words.at(0), &OpSpec::name);
  if (found == all.end()) return std::nullopt;
  const std::vector<ArgKind>& args = (*found)->args;
  const auto arg = std::ranges::find(args, ArgKind::kObject) - args.begin();
  if (arg + 1 >= std::ssize(words)) return std::nullopt;
  return Named{.spec = *found, .name = words[static_cast<std::size_t>(arg) + 1]};
}

}  // namespace

std::optional<ScenarioProblem> FindUnopened(const Scenario& scenario) {
  std::map<Kind, std::string_view> openers;
  for (const OpSpec* spec : kernel::AllOps()) {
    if (spec->use == OpUse::kOpens) openers[spec->object] = spec->name;
  }
  std::map<Kind, std::set<std::string>> opened;
  for (const TaskSpec& task : scenario.tasks) {
    for (const auto* ops : {&task.setup, &task.ops}) {
      for (const Operation& op : *ops) {
        const std::optional<Named> named = ObjectOf(op);
        if (named && named->spec->use == OpUse::kOpens) {
          opened[named->spec->object].insert(named->name);
        }
      }
    }
  }
  for (std::size_t t = 0; t < scenario.tasks.size(); ++t) {
    using Part = ScenarioProblem::Part;
    const TaskSpec& task = scenario.tasks[t];
    for (const auto& [part, ops] :
         {std::pair(Part::kSetup, &task.setup), std::pair(Part::kOp, &task.ops)}) {
      for (std::size_t i = 0; i < ops->size(); ++i) {
        const std::optional<Named> named = ObjectOf((*ops)[i]);
        if (!named) continue;
        const auto opener = openers.find(named->spec->object);
        if (opener == openers.end() || opened[opener->first].contains(named->name)) continue;
        std::string there;
        for (const std::string& name : opened[opener->first]) {
          there += (there.empty() ? "" : ", ") + name;
        }
        const std::string makes(opener->second);
        return ScenarioProblem{
            .part = part,
            .task = t,
            .entry = i,
            .message = "found \"" + named->name + "\", which no " + makes + " makes, wanted " +
                       (there.empty() ? "a task that does `" + makes + " " + named->name + "`"
                                      : "one that does: " + there)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace shootdown
