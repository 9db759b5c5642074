#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/cli/commands.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/minimality_words.h"
#include "fuzz/cli/remote_failures.h"
#include "fuzz/cli/step_words.h"
#include "fuzz/cli/store_option.h"
#include "fuzz/cli/terminal.h"
#include "fuzz/cli/text_table.h"
#include "fuzz/options/name_of_a.h"
#include "proto/failure_check.h"
#include "proto/failure_file.h"

namespace shootdown {
namespace {

struct Flags {
  std::string store;
  CoordinatorFlags coordinator;
  std::string failure;
  std::string output;
  std::vector<std::string> files;
  std::string merged;
  bool all = false;
  bool json = false;
};

const char* State(const Failure& failure) { return failure.minimized ? "minimized" : "confirmed"; }

Json ListRow(const ListedFailure& listed) {
  const Failure& f = listed.failure;
  return {{"id", listed.id},
          {"scenario", f.scenario_name},
          {"check", f.check},
          {"signature", f.signature},
          {"state", listed.state},
          {"decisions", f.anchors.size()}};
}

// Of the store, or of the coordinator if one is named.
absl::StatusOr<std::vector<ListedFailure>> ListThem(const Flags& flags,
                                                    std::vector<std::string>* damaged) {
  if (!flags.coordinator.addresses.empty()) {
    return ListRemoteFailures(flags.coordinator, flags.all ? Listing::kAll : Listing::kOneOfEachBug);
  }
  const auto store = Store::Open(StorePath(flags.store), OpenMode::kReadOnly);
  if (!store.ok()) return store.status();
  auto list = (*store)->ListFailures();
  if (!list.ok()) return list.status();
  *damaged = std::move(list->damaged);
  std::vector<ListedFailure> listed;
  for (Failure& f : list->failures) {
    std::string id = FailureId(f);
    const char* const state = State(f);
    listed.push_back({.id = std::move(id), .state = state, .failure = std::move(f)});
  }
  return listed;
}

absl::StatusOr<ListedFailure> GetOne(const Flags& flags) {
  if (!flags.coordinator.addresses.empty()) return GetRemoteFailure(flags.coordinator, flags.failure);
  absl::StatusOr<Failure> failure = LoadFailure(flags.failure, flags.store);
  if (!failure.ok()) return failure.status();
  return ListedFailure{
      .id = FailureId(*failure), .state = State(*failure), .failure = *std::move(failure)};
}

// A line of the list: a failure, and how many there are of the same scenario and signature.
struct Bug {
  const ListedFailure* shown = nullptr;
  std::size_t count = 0;
};

// Of each bug the failure of fewest decisions, and of such the one of the smallest id; ascending by id.
// What is not minimized stands for itself: its signature may still change.
std::vector<Bug> OneOfEachBug(const std::vector<ListedFailure>& list) {
  std::map<std::pair<std::string, std::string>, Bug> bugs;
  for (const ListedFailure& listed : list) {
    const Failure& f = listed.failure;
    Bug& bug = bugs[{f.scenario_name, f.minimized ? f.signature : listed.id}];
    if (bug.shown == nullptr || f.anchors.size() < bug.shown->failure.anchors.size()) bug.shown = &listed;
    ++bug.count;
  }
  std::vector<Bug> sorted;
  sorted.reserve(bugs.size());
  for (const auto& [key, bug] : bugs) sorted.push_back(bug);
  std::ranges::sort(sorted, {}, [](const Bug& bug) { return std::string_view(bug.shown->id); });
  return sorted;
}

std::vector<Bug> EachAlone(const std::vector<ListedFailure>& list) {
  std::vector<Bug> all;
  all.reserve(list.size());
  for (const ListedFailure& listed : list) all.push_back({.shown = &listed, .count = 1});
  return all;
}

// A coordinator has grouped them already, and does not say how many they were.
std::string TableText(const Flags& flags, const std::vector<ListedFailure>& list) {
  const bool grouped = !flags.all && flags.coordinator.addresses.empty();
  std::vector<TextTable::Column> columns = {
      {.title = "id"}, {.title = "scenario"}, {.title = "check"}, {.title = "state"}};
  if (grouped) columns.push_back({.title = "failures", .number = true});
  columns.push_back({.title = "decisions", .number = true});
  columns.push_back({.title = "schedule"});
  TextTable table(std::move(columns));
  for (const Bug& bug : grouped ? OneOfEachBug(list) : EachAlone(list)) {
    const Failure& f = bug.shown->failure;
    std::vector<std::string> row = {bug.shown->id, f.scenario_name, f.check, bug.shown->state};
    if (grouped) row.push_back(std::to_string(bug.count));
    row.push_back(std::to_string(f.anchors.size()));
    row.push_back(ShownSchedule(f.schedule_text));
    table.Add(std::move(row));
  }
  return table.Text(TerminalColumns(stdout));
}

int List(const Flags& flags) {
  std::vector<std::string> damaged;
  const absl::StatusOr<std::vector<ListedFailure>> list = ListThem(flags, &damaged);
  if (!list.ok()) return Fail(list.status());
  if (flags.json) {
    Json rows = Json::array();
    for (const ListedFailure& listed : *list) rows.push_back(ListRow(listed));
    PrintJson(Json{{"failures", std::move(rows)}});
  } else if (!list->empty()) {
    std::fputs(TableText(flags, *list).c_str(), stdout);
  } else {
    spdlog::info("no failures; {}", flags.coordinator.addresses.empty()
                                        ? "`shootdown fuzz` finds some"
                                        : "workers find some while a campaign runs");
  }
  for (const std::string& words : damaged) spdlog::error("shootdown: {}", words);
  return damaged.empty() ? kExitDone : kExitOurFault;
}

Json ToJson(const std::vector<ProofStep>& proof) {
  Json steps = Json::array();
  for (const ProofStep& p : proof) steps.push_back({{"without", p.without}, {"verdict", p.verdict}});
  return steps;
}

int Show(const Flags& flags) {
  const absl::StatusOr<ListedFailure> shown = GetOne(flags);
  if (!shown.ok()) return Fail(shown.status());
  const Failure& f = shown->failure;
  if (flags.json) {
    const Json whole = {{"id", shown->id},
                        {"scenario", f.scenario_name},
                        {"check", f.check},
                        {"signature", f.signature},
                        {"state", shown->state},
                        {"words", shown->words},
                        {"decisions", f.anchors.size()},
                        {"minimality", MinimalityJson(f)},
                        {"minimality_runs", f.minimality_runs},
                        {"schedule", f.schedule_text},
                        {"found_schedule", f.found_schedule_text},
                        {"message", f.message},
                        {"why", f.why},
                        {"steps", f.trace.size()},
                        {"trace_hash", f.trace_hash},
                        {"found_at_run", f.found_at_run},
                        {"seed", f.seed},
                        {"proof", ToJson(f.proof)},
                        {"scenario_proof", ToJson(f.scenario_proof)},
                        {"scenario_text", f.scenario_text},
                        {"found_scenario_text", FoundScenarioText(f)}};
    PrintJson(whole);
    return kExitDone;
  }
  std::printf("%s  %s\n", shown->id.c_str(), f.scenario_name.c_str());
  std::printf("state      %s%s%s\n", shown->state.c_str(), shown->words.empty() ? "" : ": ",
              shown->words.c_str());
  std::printf("check      %s\nbroken     %s\nwhy        %s\n", f.check.c_str(), f.message.c_str(),
              f.why.c_str());
  std::printf("schedule   %s\n", ShownSchedule(f.schedule_text).c_str());
  std::printf("size       %s\n", MinimalityText(f).c_str());
  for (std::size_t i = 0; i < f.anchors.size(); ++i) {
    const std::uint32_t time = f.anchors[i].occurrence + 1;
    std::printf("  decision %zu stands before %s, when its actor comes there for %s\n", i + 1,
                f.anchors[i].site.c_str(), time == 1 ? "the first time" : ("time " + std::to_string(time)).c_str());
  }
  for (const auto* const proof : {&f.proof, &f.scenario_proof}) {
    for (const ProofStep& p : *proof) {
      std::printf("  without %s: %s\n", p.without.c_str(), p.verdict.c_str());
    }
  }
  std::printf("found      run %llu of seed %llu, as %s\n",
              static_cast<unsigned long long>(f.found_at_run),
              static_cast<unsigned long long>(f.seed), f.found_schedule_text.c_str());
  std::printf("trace      %zu steps, hash %s\nsignature  %s\n\n%s", f.trace.size(),
              f.trace_hash.c_str(), f.signature.c_str(), f.scenario_text.c_str());
  return kExitDone;
}

int Export(const Flags& flags) {
  const absl::StatusOr<ListedFailure> one = GetOne(flags);
  if (!one.ok()) return Fail(one.status());
  const std::string path = flags.output.empty() ? one->id + ".failure" : flags.output;
  if (absl::Status s = WriteFailureFile(path, one->failure); !s.ok()) return Fail(s);
  spdlog::info("{} written", path);
  return kExitDone;
}

absl::StatusOr<std::vector<Failure>> ReadFiles(const std::vector<std::string>& paths) {
  std::vector<Failure> failures;
  for (const std::string& path : paths) {
    absl::StatusOr<Failure> failure = ReadFailureFile(path);
    if (!failure.ok()) return failure.status();
    failures.push_back(*std::move(failure));
  }
  return failures;
}

// Those that are named, or all that have been minimized.
absl::StatusOr<std::vector<Failure>> Download(const Flags& flags) {
  std::vector<std::string> ids = flags.files;
  if (ids.empty()) {
    const auto list = ListRemoteFailures(flags.coordinator, Listing::kAll);
    if (!list.ok()) return list.status();
    for (const ListedFailure& listed : *list) {
      if (listed.failure.minimized) ids.push_back(listed.id);
    }
  }
  std::vector<Failure> failures;
  for (const std::string& id : ids) {
    absl::StatusOr<ListedFailure> one = GetRemoteFailure(flags.coordinator, id);
    if (!one.ok()) return one.status();
    failures.push_back(std::move(one->failure));
  }
  return failures;
}

int Import(const Flags& flags) {
  const bool remote = !flags.coordinator.addresses.empty();
  if (!remote && flags.files.empty()) {
    return Fail(absl::InvalidArgumentError(
        "failures import: no file, wanted some, or --coordinator to take its findings; see --help"));
  }
  // All are read before one is stored.
  const absl::StatusOr<std::vector<Failure>> read =
      remote ? Download(flags) : ReadFiles(flags.files);
  if (!read.ok()) return Fail(read.status());
  const std::vector<Failure>& failures = *read;
  if (failures.empty()) {
    spdlog::info("nothing stored: the coordinator has no failure that is minimized");
    return kExitDone;
  }
  for (const Failure& failure : failures) {
    if (absl::Status s = CheckFailure(failure); !s.ok()) return Fail(s);
    if (absl::Status s = ParseStoredScenario(failure).status(); !s.ok()) return Fail(s);
  }
  const auto store = Store::Open(StorePath(flags.store), OpenMode::kReadWrite);
  if (!store.ok()) return Fail(store.status());
  if (absl::Status s = (*store)->PutFailures(failures); !s.ok()) return Fail(s);
  for (const Failure& f : failures) spdlog::info("{} stored", FailureId(f));
  return kExitDone;
}

int Merge(const Flags& flags) {
  // First the one that must be there: else a mistyped name would make an empty store.
  const auto other = Store::Open(flags.merged, OpenMode::kReadOnly);
  if (!other.ok()) return Fail(other.status());
  const auto store = Store::Open(StorePath(flags.store), OpenMode::kReadWrite);
  if (!store.ok()) return Fail(store.status());
  const auto before = (*store)->ListFailures();
  if (!before.ok()) return Fail(before.status());
  const auto unreadable = (*store)->MergeFrom(**other);
  if (!unreadable.ok()) return Fail(unreadable.status());
  const auto after = (*store)->ListFailures();
  if (!after.ok()) return Fail(after.status());
  spdlog::info("{} now in {}, {} of them new", Counted(after->failures.size(), "failure"), (*store)->path(),
               after->failures.size() - before->failures.size());
  for (const std::string& words : *unreadable) spdlog::error("shootdown: left out: {}", words);
  return unreadable->empty() ? kExitDone : kExitOurFault;
}

}  // namespace

void AddFailuresCommand(CLI::App& app, int* exit_status) {
  auto* const command = app.add_subcommand("failures", "the stored failures");
  command->require_subcommand(1);
  ExplainExitStatus(*command, {});
  const auto flags = std::make_shared<Flags>();
  const auto add = [&](const char* name, const char* words, int (*run)(const Flags&)) {
    auto* const sub = command->add_subcommand(name, words);
    AddStoreOption(*sub, flags->store);
    sub->callback([flags, exit_status, run] { *exit_status = run(*flags); });
    return sub;
  };
  // Of the store, or of a coordinator.
  const auto add_of_either = [&](const char* name, const char* words, int (*run)(const Flags&)) {
    auto* const sub = add(name, words, run);
    flags->coordinator.AddTo(*sub, CoordinatorFlags::Presence::kOptional)
        ->excludes(sub->get_option("--store"));
    return sub;
  };
  auto* const list = add_of_either("list", "a line for each bug", &List);
  list->add_flag("--all", flags->all,
                 "all, not one of each bug (scenario and signature); --json of a store has all");
  list->add_flag("--json", flags->json, "one JSON object on standard output");
  auto* const show = add_of_either("show", "one, with its proof and its scenario", &Show);
  show->add_option("FAILURE", flags->failure, "an id, the start of one, or a file")->required();
  show->add_flag("--json", flags->json, "one JSON object on standard output");
  auto* const write = add_of_either("export", "one as a file that replays anywhere", &Export);
  write->add_option("FAILURE", flags->failure, "an id, the start of one, or a file")->required();
  write->add_option("-o", flags->output, "the file; by default ID.failure")->check(NameOfA("file"));
  auto* const import = add("import", "files, or a coordinator's findings, into the store", &Import);
  flags->coordinator.AddTo(*import, CoordinatorFlags::Presence::kOptional);
  import
      ->add_option(
          "FILE", flags->files,
          "as export wrote them; with --coordinator ids, or nothing: all that are minimized")
      ->check(NameOfA("file"));
  add("merge", "all failures and inputs of another store, into the store", &Merge)
      ->add_option("FOLDER", flags->merged, "a store, or a coordinator's data folder")
      ->check(NameOfA("folder"))
      ->required();
}

}  // namespace shootdown
