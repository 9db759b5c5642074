#include "fuzz/cli/perfetto.h"

#include "fuzz/cli/json_output.h"
#include "fuzz/cli/step_words.h"
#include "fuzz/sim/trace.h"

namespace shootdown {
namespace {

using sim::LogEntry;
using sim::StepKind;

Json Event(const char* phase, std::size_t row, int cpu, const std::string& name) {
  return {{"ph", phase}, {"ts", row}, {"pid", 0}, {"tid", cpu}, {"name", name}};
}

std::string SliceName(const LogEntry& e) {
  const std::string function = FunctionName(e);
  return function.empty() ? e.site->label : function + ": " + e.site->label;
}

}  // namespace

std::string PerfettoTrace(Simulation& simulation, const std::string& message) {
  Json events = Json::array();
  const auto log = simulation.machine().log();
  for (int c = 0; c < simulation.machine().cpu_count(); ++c) {
    Json track = Event("M", 0, c, "thread_name");
    track["args"] = {{"name", "CPU " + std::to_string(c)}};
    events.push_back(std::move(track));
  }
  for (std::size_t row = 0; row < log.size(); ++row) {
    const LogEntry& e = log[row];
    Json slice = Event("X", row, e.cpu, SliceName(e));
    slice["dur"] = 1;
    slice["cat"] = sim::KindName(e.kind);
    slice["args"] = {{"step", sim::RowText(e)}};
    events.push_back(std::move(slice));
    const bool arrow = (e.kind == StepKind::kMondoTaken || e.kind == StepKind::kDrain) &&
                       e.link != sim::kNoRow && e.link < log.size();
    if (!arrow) continue;
    const char* const name = e.kind == StepKind::kDrain ? "drain" : "cross call";
    Json from = Event("s", e.link, log[e.link].cpu, name);
    Json to = Event("f", row, e.cpu, name);
    from["id"] = to["id"] = row;
    from["cat"] = to["cat"] = name;
    to["bp"] = "e";
    events.push_back(std::move(from));
    events.push_back(std::move(to));
  }
  if (!message.empty() && !log.empty()) {
    Json mark = Event("i", log.size() - 1, log.back().cpu, "BROKEN: " + message);
    mark["s"] = "g";
    events.push_back(std::move(mark));
  }
  const Json whole = {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
  return JsonText(whole, 1) + "\n";
}

}  // namespace shootdown
