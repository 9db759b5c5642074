#include "fuzz/cli/undone_words.h"

#include "absl/strings/str_format.h"

namespace shootdown {

std::vector<std::string> UndoneLines(const Scenario& scenario, const std::vector<Undone>& undone,
                                     std::string_view nobody) {
  std::vector<std::string> lines;
  for (const Undone& u : undone) {
    const TaskSpec& task = scenario.tasks[u.task];
    const std::string who(nobody);
    std::string line =
        u.begun ? absl::StrFormat("%s gets %s past \"%s\" (operation %d of %d)", who, task.name,
                                  task.ops[u.first].text, u.first + 1, task.ops.size())
                : absl::StrFormat("%s comes to operation %d of %s", who, u.first + 1, task.name);
    if (u.begun && u.serves) line += ", which waits for more to do";
    const std::size_t never_begun = u.first + (u.begun ? 1 : 0);
    for (std::size_t i = never_begun; i < task.ops.size(); ++i) {
      line += absl::StrFormat("%s\"%s\" (%d)", i == never_begun ? "; never done: " : ", ",
                              task.ops[i].text, i + 1);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

Json UndoneJson(const Scenario& scenario, const std::vector<Undone>& undone) {
  Json entries = Json::array();
  for (const Undone& u : undone) {
    const TaskSpec& task = scenario.tasks[u.task];
    for (std::size_t i = u.first; i < task.ops.size(); ++i) {
      entries.push_back({{"task", task.name},
                         {"operation", i + 1},
                         {"text", task.ops[i].text},
                         {"begun", u.begun && i == u.first},
                         {"serves", u.serves && i == u.first}});
    }
  }
  return entries;
}

}  // namespace shootdown
