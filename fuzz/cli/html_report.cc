#include "fuzz/cli/html_report.h"

#include "fuzz/check/check.h"
#include "fuzz/cli/html_page.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/minimality_words.h"
#include "fuzz/cli/step_words.h"
#include "fuzz/cli/trace_table.h"
#include "fuzz/kernel/kernel.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

using sim::LogEntry;

// `A -> page3 rw, context 1, mm1`.
Json TlbEntryJson(const sim::TlbEntry& entry) {
  const kernel::Pte pte{entry.pte};
  const bool freed = entry.ghost.incarnation !=
                     kernel::Kernel::Get().pages[pte.page()].incarnation;
  return {{"text", check::PageName(entry.virt.value()) + " -> " + kernel::FormatPte(entry.pte) +
                       ", context " + std::to_string(entry.ctx.value()) + ", of mm" +
                       std::to_string(entry.ghost.owner)},
          {"freed", freed}};
}

// Follows a schedule, and notes before each step what the TLBs hold.
class TlbRecorder : public sim::Scheduler {
 public:
  TlbRecorder(Simulation& simulation, const Schedule& schedule)
      : machine_(simulation.machine()), inner_(schedule) {}

  void StartRun(const sim::Machine& machine) override { inner_.StartRun(machine); }
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override {
    Note();
    return inner_.Pick(question);
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override {
    return index;
  }

  // What the TLBs hold before row `row`; only where that has changed.
  [[nodiscard]] Json TakeStates() {
    Note();
    return std::move(states_);
  }

 private:
  void Note() {
    Json tlbs = Json::array();
    for (int cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
      Json entries = Json::array();
      const sim::Tlb tlb = machine_.tlb(cpu);
      for (int i = 0; i < tlb.entry_count(); ++i) {
        if (tlb.entry(i).valid) entries.push_back(TlbEntryJson(tlb.entry(i)));
      }
      tlbs.push_back(std::move(entries));
    }
    if (!states_.empty() && states_.back()["tlbs"] == tlbs) return;
    states_.push_back({{"row", machine_.row()}, {"tlbs", std::move(tlbs)}});
  }

  sim::Machine& machine_;
  ScheduleScheduler inner_;
  Json states_ = Json::array();
};

Json TasksJson(const Scenario& scenario) {
  Json tasks = Json::array();
  for (const TaskSpec& task : scenario.tasks) {
    Json setup = Json::array();
    Json ops = Json::array();
    for (const Operation& op : task.setup) setup.push_back(op.text);
    for (const Operation& op : task.ops) ops.push_back(op.text);
    tasks.push_back({{"name", task.name},
                     {"kthread", task.kthread},
                     {"setup", std::move(setup)},
                     {"ops", std::move(ops)}});
  }
  return tasks;
}

Json RowJson(const Simulation& simulation, const LogEntry& e) {
  Json row = {{"cpu", e.cpu},
              {"where", AfterFunction(FunctionName(e), "  ",
                                      ActorName(simulation, ActorId(e.actor)))},
              {"text", StepText(e)},
              {"step", sim::IsStep(e.kind)},
              {"write", sim::IsWrite(e.kind)}};
  if (e.word != sim::kNoWord) {
    row["word"] = e.word;
    row["name"] = std::string(e.site->label) + " [" + sim::Arena::Live().NameOf(e.word) + "]";
    row["value"] = e.site->format(e.value);
  }
  if (e.link != sim::kNoRow) {
    row["link"] = e.link;
    row["drain"] = e.kind == sim::StepKind::kDrain;
  }
  return row;
}

// JSON that can stand inside a script element.
std::string ForScript(const Json& json) {
  std::string text = JsonText(json, -1);
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos;) {
    text.replace(at, 1, "\\u003c");
  }
  return text;
}

std::string ForText(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string Filled(std::string page, std::string_view placeholder, const std::string& text) {
  page.replace(page.find(placeholder), placeholder.size(), text);
  return page;
}

}  // namespace

std::string HtmlReport(Simulation& simulation, const Failure& failure, const Schedule& schedule) {
  TlbRecorder recorder(simulation, schedule);
  (void)simulation.Run(recorder);
  Json states = recorder.TakeStates();

  ScheduleScheduler scheduler(schedule);
  const check::Finding* const finding = simulation.Run(scheduler);
  const std::string message = finding == nullptr ? "" : finding->message;
  const std::string why = finding == nullptr ? "" : std::string(finding->check->why);
  const sim::Machine& machine = simulation.machine();
  Json rows = Json::array();
  for (const LogEntry& e : machine.log()) rows.push_back(RowJson(simulation, e));
  Json decisions = Json::array();
  for (const sim::MoveMade& made : machine.moves_made()) {
    decisions.push_back({{"row", made.row}, {"text", DecisionText(simulation, made)}});
  }
  const Scenario& scenario = simulation.scenario();
  const Json data = {{"id", FailureId(failure)},
                     {"scenario", scenario.name},
                     {"summary", scenario.summary},
                     {"commit", scenario.commit},
                     {"check", finding == nullptr ? "" : std::string(finding->check->name)},
                     {"message", message},
                     {"why", why},
                     {"schedule", schedule.ToText()},
                     {"minimality", MinimalityText(failure)},
                     {"trace_hash", failure.trace_hash},
                     {"cpus", machine.cpu_count()},
                     {"tasks", TasksJson(scenario)},
                     {"rows", std::move(rows)},
                     {"decisions", std::move(decisions)},
                     {"states", std::move(states)},
                     {"scenario_text", failure.scenario_text}};
  std::string page = Filled(kHtmlPage, "@TITLE@", ForText(scenario.name));
  page = Filled(std::move(page), "@TABLE@", ForText(TraceTable(simulation, message, why)));
  return Filled(std::move(page), "@DATA@", ForScript(data));
}

}  // namespace shootdown
