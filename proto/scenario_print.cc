// Scenarios as text that ParseScenario reads back.
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "proto/scenario_text.h"

namespace shootdown {
namespace {

// The text between the quotes of a text format string.
std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      escaped += '\\';
      escaped += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppendFormat(&escaped, "\\%03o", static_cast<unsigned char>(c));
    } else {
      escaped += c;
    }
  }
  return escaped;
}

void PrintString(std::string& out, std::string_view indent, const char* field,
                 std::string_view value) {
  absl::StrAppendFormat(&out, "%s%s: \"%s\"\n", std::string(indent), field, Escape(value));
}

void PrintMachine(std::string& out, const sim::MachineConfig& machine) {
  using sim::MondoDone, sim::MondoFlavour;
  absl::StrAppendFormat(&out, "machine {\n  cpus: %d\n", machine.cpu_count);
  absl::StrAppendFormat(&out, "  memory_model: %s\n",
                        std::string(sim::NameOf(machine.memory_model)));
  absl::StrAppendFormat(&out, "  store_buffer_entries: %d\n", machine.store_buffer_entries);
  absl::StrAppendFormat(&out, "  tlb_entries: %d\n", machine.tlb_entries);
  absl::StrAppendFormat(&out, "  tlb_sharing: %d\n", machine.tlb_sharing);
  absl::StrAppendFormat(&out, "  mondo_flavour: %s\n",
                        machine.mondo_flavour == MondoFlavour::kSun4u ? "SUN4U" : "SUN4V");
  absl::StrAppendFormat(&out, "  mondo_done: %s\n",
                        machine.mondo_done == MondoDone::kAccepted ? "ACCEPTED" : "EXECUTED");
  absl::StrAppendFormat(&out, "  mondo_queue_entries: %d\n", machine.mondo_queue_entries);
  absl::StrAppendFormat(&out, "  mondo_delay_max: %d\n", machine.mondo_delay_max);
  absl::StrAppendFormat(&out, "  step_count_max: %d\n", machine.step_count_max);
  absl::StrAppendFormat(&out, "  context_count: %d\n", machine.context_count);
  absl::StrAppendFormat(&out, "  tsb_entries: %d\n", machine.tsb_entries);
  absl::StrAppendFormat(&out, "  page_count: %d\n}\n", machine.page_count);
}

void PrintTask(std::string& out, const TaskSpec& task) {
  out += "task {\n";
  PrintString(out, "  ", "name", task.name);
  if (!task.process.empty()) PrintString(out, "  ", "process", task.process);
  if (task.kthread) out += "  kthread: true\n";
  absl::StrAppendFormat(&out, "  cpu: %d\n", task.cpu);
  for (const Operation& operation : task.setup) PrintString(out, "  ", "setup", operation.text);
  for (const Operation& operation : task.ops) PrintString(out, "  ", "op", operation.text);
  out += "}\n";
}

void PrintExpect(std::string& out, const Scenario& scenario) {
  if (scenario.expected == "clean") {
    out += "expect { clean: true }\n";
    return;
  }
  absl::StrAppendFormat(&out, "expect { finds: \"%s\"", Escape(scenario.expected));
  if (scenario.preemptions.has_value()) {
    absl::StrAppendFormat(&out, " preemptions: %d", *scenario.preemptions);
  }
  if (!scenario.note.empty()) absl::StrAppendFormat(&out, " note: \"%s\"", Escape(scenario.note));
  out += " }\n";
}

}  // namespace

std::string PrintScenario(const Scenario& scenario) {
  std::string out;
  PrintString(out, "", "name", scenario.name);
  if (!scenario.summary.empty()) PrintString(out, "", "summary", scenario.summary);
  if (!scenario.commit.empty()) PrintString(out, "", "commit", scenario.commit);
  if (scenario.arch != Scenario().arch) PrintString(out, "", "arch", scenario.arch);
  PrintMachine(out, scenario.machine);
  for (const VersionChoice& choice : scenario.version) {
    PrintString(out, "", "version", choice.name + " = " + choice.value);
  }
  for (const TaskSpec& task : scenario.tasks) PrintTask(out, task);
  if (!scenario.checks_on.empty() || !scenario.checks_off.empty()) {
    out += "checks {\n";
    for (const std::string& check : scenario.checks_on) PrintString(out, "  ", "on", check);
    for (const std::string& check : scenario.checks_off) PrintString(out, "  ", "off", check);
    out += "}\n";
  }
  PrintExpect(out, scenario);
  return out;
}

}  // namespace shootdown
