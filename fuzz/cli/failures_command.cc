#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "fuzz/cli/commands.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/locate.h"
#include "fuzz/schedule/schedule.h"
#include "proto/failure_file.h"

namespace shootdown {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string store;
  std::string failure;
  std::string output;
  std::vector<std::string> files;
  bool json = false;
};

const char* State(const Failure& failure) { return failure.minimized ? "minimized" : "confirmed"; }

int List(const Flags& flags) {
  const auto store = Store::Open(StorePath(flags.store), OpenMode::kReadOnly);
  if (!store.ok()) return Fail(store.status());
  const auto list = (*store)->ListFailures();
  if (!list.ok()) return Fail(list.status());
  Json rows = Json::array();
  for (const Failure& f : list->failures) {
    rows.push_back({{"id", FailureId(f)},
                    {"scenario", f.scenario_name},
                    {"check", f.check},
                    {"signature", f.signature},
                    {"state", State(f)},
                    {"decisions", f.anchors.size()}});
    if (!flags.json) {
      std::printf("%s  %-28s %-20s %-10s %2zu  %s\n", FailureId(f).c_str(), f.scenario_name.c_str(),
                  f.check.c_str(), State(f), f.anchors.size(), f.schedule_text.c_str());
    }
  }
  if (flags.json) std::printf("%s\n", Json{{"failures", std::move(rows)}}.dump(2).c_str());
  for (const std::string& damaged : list->damaged) spdlog::error("shootdown: {}", damaged);
  return list->damaged.empty() ? kExitDone : kExitOurFault;
}

Json ToJson(const std::vector<ProofStep>& proof) {
  Json steps = Json::array();
  for (const ProofStep& p : proof) steps.push_back({{"without", p.without}, {"verdict", p.verdict}});
  return steps;
}

int Show(const Flags& flags) {
  const absl::StatusOr<Failure> failure = LoadFailure(flags.failure, flags.store);
  if (!failure.ok()) return Fail(failure.status());
  const Failure& f = *failure;
  if (flags.json) {
    const Json whole = {{"id", FailureId(f)},
                        {"scenario", f.scenario_name},
                        {"check", f.check},
                        {"signature", f.signature},
                        {"state", State(f)},
                        {"decisions", f.anchors.size()},
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
    std::printf("%s\n", whole.dump(2).c_str());
    return kExitDone;
  }
  std::printf("%s  %s\n", FailureId(f).c_str(), f.scenario_name.c_str());
  std::printf("check      %s\nbroken     %s\nwhy        %s\n", f.check.c_str(), f.message.c_str(),
              f.why.c_str());
  std::printf("schedule   %s\n", f.schedule_text.c_str());
  for (std::size_t i = 0; i < f.anchors.size(); ++i) {
    std::printf("  decision %zu stands before %s (time %u)\n", i + 1, f.anchors[i].site.c_str(),
                f.anchors[i].occurrence + 1);
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
  const absl::StatusOr<Failure> failure = LoadFailure(flags.failure, flags.store);
  if (!failure.ok()) return Fail(failure.status());
  const std::string path = flags.output.empty() ? FailureId(*failure) + ".failure" : flags.output;
  if (absl::Status s = WriteFailureFile(path, *failure); !s.ok()) return Fail(s);
  spdlog::info("{} written", path);
  return kExitDone;
}

int Import(const Flags& flags) {
  // All files are read before one is stored.
  std::vector<Failure> failures;
  for (const std::string& path : flags.files) {
    absl::StatusOr<Failure> failure = ReadFailureFile(path);
    if (!failure.ok()) return Fail(failure.status());
    if (absl::Status s = ParseStoredScenario(*failure).status(); !s.ok()) return Fail(s);
    if (absl::Status s = ParseFoundScenario(*failure).status(); !s.ok()) return Fail(s);
    if (absl::Status s = Schedule::Parse(failure->schedule_text).status(); !s.ok()) return Fail(s);
    failures.push_back(*std::move(failure));
  }
  const auto store = Store::Open(StorePath(flags.store), OpenMode::kReadWrite);
  if (!store.ok()) return Fail(store.status());
  if (absl::Status s = (*store)->PutFailures(failures); !s.ok()) return Fail(s);
  for (const Failure& f : failures) spdlog::info("{} stored", FailureId(f));
  return kExitDone;
}

}  // namespace

void AddFailuresCommand(CLI::App& app, int* exit_status) {
  auto* const command = app.add_subcommand("failures", "the stored failures");
  command->require_subcommand(1);
  const auto flags = std::make_shared<Flags>();
  const auto add = [&](const char* name, const char* words, int (*run)(const Flags&)) {
    auto* const sub = command->add_subcommand(name, words);
    sub->add_option("--store", flags->store, "folder of the store");
    sub->callback([flags, exit_status, run] { *exit_status = run(*flags); });
    return sub;
  };
  add("list", "a line each", &List)->add_flag("--json", flags->json, "one JSON object");
  auto* const show = add("show", "one, with its proof and its scenario", &Show);
  show->add_option("FAILURE", flags->failure, "an id, the start of one, or a file")->required();
  show->add_flag("--json", flags->json, "one JSON object");
  auto* const write = add("export", "one as a file that replays anywhere", &Export);
  write->add_option("FAILURE", flags->failure, "an id, the start of one, or a file")->required();
  write->add_option("-o", flags->output, "the file; by default ID.failure");
  add("import", "files into the store", &Import)
      ->add_option("FILE", flags->files, "as export wrote them")
      ->required();
}

}  // namespace shootdown
