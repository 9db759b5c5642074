#include <cstdio>
#include <optional>

#include "fuzz/cli/commands.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/scenarios_check.h"
#include "fuzz/cli/terminal.h"
#include "fuzz/cli/text_table.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/version.h"
#include "fuzz/options/name_of_a.h"
#include "fuzz/options/whole_number.h"
#include "fuzz/scenario/generate.h"

namespace shootdown {
namespace {

struct Flags {
  bool ops = false;
  std::optional<std::uint64_t> generate;  // the seed
  bool check = false;
  ScenariosCheckFlags checking;  // `json` is for the list as well
};

// What a scenario file may say, beside its form.
void PrintVocabulary() {
  std::printf("architectures (arch: \"…\"; absent: the first)\n");
  for (const kernel::Arch* arch : kernel::AllArchs()) {
    std::printf("  %-14s %s\n", std::string(arch->name).c_str(), std::string(arch->what).c_str());
  }
  std::printf("\noperations (task { setup: \"…\" op: \"…\" })\n");
  for (const kernel::OpSpec* op : kernel::AllOps()) {
    std::printf("  %-44s %s\n", std::string(op->usage).c_str(), std::string(op->what).c_str());
  }
  std::printf("\nversion switches (version: \"name = value\"; the first value is the default)\n");
  for (const kernel::VersionSwitch* s : kernel::VersionSwitch::All()) {
    std::string values;
    for (const std::string_view v : s->values()) values += (values.empty() ? "" : " | ") + std::string(v);
    const std::string needs = s->needs().empty() ? "" : " (with " + std::string(s->needs()) + ")";
    std::printf("  %s = %s%s\n      %s\n", std::string(s->name()).c_str(), values.c_str(), needs.c_str(),
                std::string(s->source()).c_str());
  }
  std::printf("\nchecks (checks { on: \"…\" off: \"…\" }, expect { finds: \"…\" })\n");
  for (const check::Check* c : check::AllChecks()) {
    std::string note;
    if (!c->on_by_default) note += " (off by default)";
    if (!c->arch.empty()) note += " (" + std::string(c->arch) + ")";
    std::printf("  %-3s %-24s %s%s\n", std::string(c->id).c_str(), std::string(c->name).c_str(),
                std::string(c->rule).c_str(), note.c_str());
  }
}

int Scenarios(const Flags& flags) {
  if (flags.ops) {
    PrintVocabulary();
    return kExitDone;
  }
  if (flags.generate.has_value()) {
    std::printf("%s", PrintScenario(GenerateScenario(*flags.generate)).c_str());
    return kExitDone;
  }
  if (flags.check) return CheckScenarios(flags.checking);
  const absl::StatusOr<std::vector<LoadedScenario>> all = LoadCorpus();
  if (!all.ok()) return Fail(all.status());
  Json rows = Json::array();
  TextTable table({{.title = "scenario"},
                   {.title = "commit"},
                   {.title = "arch"},
                   {.title = "CPUs", .number = true},
                   {.title = "expects"},
                   {.title = "what"}});
  for (const LoadedScenario& one : *all) {
    const Scenario& s = one.scenario;
    // A file of the corpus that cannot be run is shown as an error, not as a row.
    if (absl::Status good = CheckScenario(one); !good.ok()) return Fail(good);
    rows.push_back({{"name", s.name},
                    {"expected", s.expected},
                    {"summary", s.summary},
                    {"commit", s.commit},
                    {"arch", s.arch},
                    {"cpus", s.machine.cpu_count}});
    table.Add({s.name, s.commit, s.arch, std::to_string(s.machine.cpu_count), s.expected, s.summary});
  }
  if (flags.checking.json) {
    PrintJson({{"scenarios", std::move(rows)}});
  } else {
    std::fputs(table.Text(TerminalColumns(stdout)).c_str(), stdout);
  }
  return kExitDone;
}

}  // namespace

void AddScenariosCommand(CLI::App& app, int* exit_status) {
  auto* const command =
      app.add_subcommand("scenarios", "what is there, and the verdict that each expects");
  ExplainExitStatus(*command, {.done = "done (--check: all are as expected)",
                               .finding = "some are not as expected (--check)",
                               .limit = "Ctrl-C (--check)"});
  const auto flags = std::make_shared<Flags>();
  auto* const json =
      command->add_flag("--json", flags->checking.json, "one JSON object on standard output");
  auto* const ops = command->add_flag("--ops", flags->ops,
                    "the words of scenario files: architectures, operations, version switches, checks");
  ops->excludes(json);
  auto* const generate =
      command
          ->add_option("--generate", flags->generate,
                       "prints a random scenario of this seed, which must stay clean")
          ->transform(WholeNumber(0))
          ->excludes(json)
          ->excludes(ops);
  auto* const check = command->add_flag(
      "--check", flags->check, "searches them all, and compares with what they expect");
  check->excludes(ops)->excludes(generate);
  auto* const names =
      command->add_option("NAME", flags->checking.scenarios, "only these, by name or file; each once")
          ->needs(check);
  CatalogueRequest& request = flags->checking.request;
  command->add_option("--seeds", request.seed_count, "searches of each that expects a finding")
      ->transform(WholeNumber(1, 1000))
      ->capture_default_str()
      ->needs(check);
  command->add_option("--runs", request.run_count_max, "schedules to run in each search at most")
      ->transform(WholeNumber(1, std::uint64_t{1} << 62))
      ->capture_default_str()
      ->needs(check);
  command->add_option("--states", request.state_count_max,
                      "states to explore in each proof, within preemptions up to 24 times as many; 0: none")
      ->transform(WholeNumber(0, 20'000'000))
      ->capture_default_str()
      ->needs(check);
  command->add_option("--jobs", request.job_count, "searches side by side")
      ->transform(WholeNumber(1, 256))
      ->capture_default_str()
      ->needs(check);
  command->add_option("--markdown", flags->checking.markdown,
                      "writes the table into this file, between its marker lines")
      ->check(NameOfA("file"))
      ->needs(check)
      ->excludes(names);
  command->callback([flags, exit_status] { *exit_status = Scenarios(*flags); });
}

}  // namespace shootdown
