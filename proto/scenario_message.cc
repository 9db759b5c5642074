#include "proto/scenario_message.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"

namespace shootdown {
namespace {

constexpr std::size_t kSummaryBytesMax = 500;  // one sentence
constexpr int kPreemptionCountMax = 100;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

class Reader {
 public:
  Reader(const v1::Scenario& message, const TextPositions& positions, ScenarioMistakes& mistakes)
      : message_(message), positions_(positions), mistakes_(mistakes) {}

  [[nodiscard]] LocatedScenario Read() {
    ReadTitle();
    scenario_.machine = ReadMachineMessage(message_.machine(), positions_.In("machine"), mistakes_);
    ReadVersion();
    ReadTasks();
    ReadChecks();
    ReadExpect();
    return {.scenario = std::move(scenario_), .locations = std::move(locations_)};
  }

 private:
  void ReadTitle() {
    const TextPosition name = positions_.At("name");
    if (name.line == 0) {
      mistakes_.AddMissing("no name, wanted `name: \"...\"`");
    } else {
      mistakes_.CheckWord("name", message_.name(), kScenarioName, name);
    }
    mistakes_.CheckText("summary", message_.summary(), kSummaryBytesMax, positions_.At("summary"));
    if (!message_.commit().empty()) {
      mistakes_.CheckWord("commit", message_.commit(), kSymbol, positions_.At("commit"));
    }
    locations_.arch = positions_.At("arch");
    if (locations_.arch.line != 0) {
      mistakes_.CheckWord("arch", message_.arch(), kSymbol, locations_.arch);
      scenario_.arch = message_.arch();
    }
    scenario_.name = message_.name();
    scenario_.summary = message_.summary();
    scenario_.commit = message_.commit();
  }

  void ReadVersion() {
    std::map<std::string, TextPosition, std::less<>> seen;
    for (int i = 0; i < message_.version_size(); ++i) {
      const std::string& text = message_.version(i);
      const TextPosition position = positions_.At("version", static_cast<std::size_t>(i));
      locations_.version.push_back(position);
      mistakes_.CheckText("version", text, kScenarioBytesMax, position);

      const std::size_t equals = text.find('=');
      const std::string_view name = Trim(std::string_view(text).substr(0, equals));
      const std::string_view value =
          equals == std::string::npos ? "" : Trim(std::string_view(text).substr(equals + 1));
      const std::size_t dot = name.find('.');
      const bool dotted = dot != std::string_view::npos && dot != 0 && name.back() != '.' &&
                          name.find("..") == std::string_view::npos;
      if (!dotted || !Fits(name, kSymbol) || !Fits(value, kSymbol)) {
        mistakes_.Add(
            position,
            absl::StrFormat("version: %s, wanted the form \"area.switch = value\"", Quote(text)));
        continue;
      }
      const auto [before, added] = seen.emplace(name, position);
      if (!added) {
        mistakes_.Add(position,
                      absl::StrFormat("version: %s a second time (first at %d:%d), wanted it once",
                                      Quote(name), before->second.line, before->second.column));
      }
      scenario_.version.push_back({.name = std::string(name), .value = std::string(value)});
    }
  }

  void ReadTasks() {
    if (message_.task_size() == 0) {
      mistakes_.AddMissing("no task, wanted at least one `task { ... }`");
    }
    if (message_.task_size() > kTaskCountMax) {
      mistakes_.Add(
          positions_.At("task", static_cast<std::size_t>(kTaskCountMax)),
          absl::StrFormat("%d tasks, wanted at most %d", message_.task_size(), kTaskCountMax));
    }
    std::map<std::string, TextPosition> seen;
    for (int i = 0; i < message_.task_size(); ++i) {
      const TextPosition task = positions_.At("task", static_cast<std::size_t>(i));
      ReadTask(message_.task(i), positions_.In("task", static_cast<std::size_t>(i)), task);

      const std::string& name = message_.task(i).name();
      const auto [before, added] = seen.emplace(name, task);
      if (!added && !name.empty()) {
        mistakes_.Add(
            positions_.In("task", static_cast<std::size_t>(i)).At("name"),
            absl::StrFormat("task %s a second time (first at %d:%d), wanted a name of its own",
                            Quote(name), before->second.line, before->second.column));
      }
    }
  }

  void ReadTask(const v1::Task& in, const TextPositions& fields, TextPosition task) {
    const auto at = [&](std::string_view field) {
      const TextPosition position = fields.At(field);
      return position.line == 0 ? task : position;
    };
    if (fields.At("name").line == 0) {
      mistakes_.Add(task, "task without a name, wanted `name: \"...\"`");
    } else {
      mistakes_.CheckWord("name", in.name(), kTaskName, at("name"));
    }
    if (in.kthread() && fields.At("process").line != 0) {
      mistakes_.Add(at("process"),
                    absl::StrFormat("process: %s in a kthread, which has no mm, wanted none",
                                    Quote(in.process())));
    } else if (fields.At("process").line != 0) {
      mistakes_.CheckWord("process", in.process(), kTaskName, at("process"));
    }
    const int cpu_count = scenario_.machine.cpu_count;
    if (in.cpu() < 0 || in.cpu() >= cpu_count) {
      mistakes_.Add(at("cpu"), absl::StrFormat("cpu: %d, but the machine has %d, wanted 0 .. %d",
                                               in.cpu(), cpu_count, cpu_count - 1));
    }

    ScenarioLocations::Task places{.task = task, .setup = {}, .ops = {}};
    TaskSpec out{.name = in.name(),
                 .process = in.process(),
                 .kthread = in.kthread(),
                 .cpu = in.cpu(),
                 .setup = {},
                 .ops = {}};
    ReadOperations("setup", in.setup(), fields, out.setup, places.setup);
    ReadOperations("op", in.op(), fields, out.ops, places.ops);
    scenario_.tasks.push_back(std::move(out));
    locations_.tasks.push_back(std::move(places));
  }

  template <class Strings>
  void ReadOperations(const char* field, const Strings& in, const TextPositions& fields,
                      std::vector<Operation>& out, std::vector<TextPosition>& places) {
    if (in.size() > kOperationCountMax) {
      mistakes_.Add(fields.At(field, static_cast<std::size_t>(kOperationCountMax)),
                    absl::StrFormat("%s: %d in one task, wanted at most %d", field, in.size(),
                                    kOperationCountMax));
    }
    for (const std::string& text : in) {
      const TextPosition position = fields.At(field, places.size());
      places.push_back(position);
      mistakes_.CheckText(field, text, kOperationBytesMax, position);
      if (Trim(text).empty()) {
        mistakes_.Add(position, absl::StrFormat("%s: no words, wanted an operation", field));
      }
      out.push_back({.text = text});
    }
  }

  void ReadChecks() {
    const TextPositions& fields = positions_.In("checks");
    std::map<std::string, TextPosition> seen;
    const auto read = [&](const char* field, const auto& in, std::vector<std::string>& out,
                          std::vector<TextPosition>& places) {
      for (const std::string& name : in) {
        const TextPosition position = fields.At(field, places.size());
        places.push_back(position);
        mistakes_.CheckWord(field, name, kSymbol, position);
        const auto [before, added] = seen.emplace(name, position);
        if (!added) {
          mistakes_.Add(
              position,
              absl::StrFormat("%s: check %s a second time (first at %d:%d), wanted it once", field,
                              Quote(name), before->second.line, before->second.column));
        }
        out.push_back(name);
      }
    };
    read("on", message_.checks().on(), scenario_.checks_on, locations_.checks_on);
    read("off", message_.checks().off(), scenario_.checks_off, locations_.checks_off);
  }

  void ReadExpect() {
    const TextPositions& fields = positions_.In("expect");
    constexpr const char* kWanted = "wanted `finds: \"CHECK\"` or `clean: true`";
    switch (message_.expect().verdict_case()) {
      case v1::Expect::kFinds:
        locations_.expected = fields.At("finds");
        mistakes_.CheckWord("finds", message_.expect().finds(), kSymbol, locations_.expected);
        if (message_.expect().finds() == "clean") {
          mistakes_.Add(locations_.expected,
                        "finds: \"clean\", which is no check, wanted `clean: true`");
        }
        scenario_.expected = message_.expect().finds();
        ReadReckoning(fields);
        return;
      case v1::Expect::kClean:
        locations_.expected = fields.At("clean");
        if (!message_.expect().clean()) {
          mistakes_.Add(locations_.expected, absl::StrFormat("clean: false, %s", kWanted));
        }
        scenario_.expected = "clean";
        if (message_.expect().has_preemptions()) {
          mistakes_.Add(fields.At("preemptions"),
                        "preemptions: beside `clean`, wanted it beside `finds`");
        }
        if (fields.At("note").line != 0) {
          mistakes_.Add(fields.At("note"), "note: beside `clean`, wanted it beside `preemptions`");
        }
        return;
      case v1::Expect::VERDICT_NOT_SET:
        if (message_.has_expect()) {
          mistakes_.Add(positions_.At("expect"), absl::StrFormat("expect is empty, %s", kWanted));
        } else {
          mistakes_.AddMissing("no expect, wanted `expect { ... }` with one of finds, clean");
        }
        return;
    }
  }

  // What is reckoned about a finding.
  void ReadReckoning(const TextPositions& fields) {
    const v1::Expect& in = message_.expect();
    if (in.has_preemptions()) {
      if (in.preemptions() < 0 || in.preemptions() > kPreemptionCountMax) {
        mistakes_.Add(fields.At("preemptions"),
                      absl::StrFormat("preemptions: %d, wanted 0 .. %d", in.preemptions(),
                                      kPreemptionCountMax));
      }
      scenario_.preemptions = in.preemptions();
    } else if (fields.At("note").line != 0) {
      mistakes_.Add(fields.At("note"), "note: without preemptions, wanted it beside `preemptions`");
    }
    mistakes_.CheckText("note", in.note(), kSummaryBytesMax, fields.At("note"));
    scenario_.note = in.note();
  }

  const v1::Scenario& message_;
  const TextPositions& positions_;
  ScenarioMistakes& mistakes_;
  Scenario scenario_;
  ScenarioLocations locations_;
};

}  // namespace

LocatedScenario ReadScenarioMessage(const v1::Scenario& message, const TextPositions& positions,
                                    ScenarioMistakes& mistakes) {
  return Reader(message, positions, mistakes).Read();
}

}  // namespace shootdown
