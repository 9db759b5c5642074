// `shootdown campaign`: what an operator says to a coordinator.
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <thread>

#include "absl/strings/str_format.h"
#include "fuzz/cli/campaign_table.h"
#include "fuzz/cli/commands.h"
#include "fuzz/cli/coordinator.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/cli/interrupt.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/progress_line.h"
#include "fuzz/cli/strategy_option.h"
#include "fuzz/options/whole_number.h"
#include "shootdown/v1/campaign.grpc.pb.h"

namespace shootdown {
namespace {

using Stub = v1::Campaigns::Stub;

struct CampaignFlags {
  CoordinatorFlags coordinator;
  std::vector<std::string> scenarios;
  std::string id;
  std::string name;
  std::string request_id;
  StrategyName strategy;
  std::uint64_t runs = 0;
  std::uint32_t seconds = 0;
  std::uint32_t inputs_max = 0;    // 0: the coordinator's default
  std::uint32_t findings_max = 0;
  std::uint64_t seed = 1;
  bool keep_going = false;
  bool watch = false;
  bool json = false;
};

// A call that is made again by hand must be able to say that it is the same.
std::string DrawRequestId() {
  std::random_device random;
  return absl::StrFormat("%08x%08x%08x", random(), random(), random());
}

void Print(const CampaignFlags& flags, const v1::Campaign& campaign) {
  if (flags.json) {
    PrintJson(CampaignJson(campaign));
  } else {
    std::fputs(CampaignTable(campaign).c_str(), stdout);
  }
}

int FoundOrNot(const v1::Campaign& campaign) {
  if (FindingCount(campaign) != 0) return kExitFinding;
  return HasEnded(campaign.state()) ? kExitDone : kExitLimit;
}

// Until the campaign has ended, or Ctrl-C. A coordinator that goes away is waited for.
int Watch(const CampaignFlags& flags, CoordinatorConnection& connection, const std::string& id) {
  NoticeInterrupts();
  ProgressLine line(!flags.json);
  v1::Campaign last;
  bool away = false;
  const auto stopped = &Interrupted;
  const std::function<void(const v1::WatchCampaignResponse&)> take =
      [&](const v1::WatchCampaignResponse& response) {
        if (away) spdlog::info("the coordinator is back");
        away = false;
        last = response.campaign();
        line.Show(CampaignLiveLine(last));
      };
  std::size_t failures = 0;
  while (!stopped() && !HasEnded(last.state())) {
    v1::WatchCampaignRequest request;
    request.set_id(last.id().empty() ? id : last.id());
    request.set_interval_ms(500);
    const absl::Status status = connection.Stream(&Stub::WatchCampaign, request, take, stopped);
    if (status.ok()) continue;
    // One that never answered may be a wrong address: each is asked once.
    const bool known = !last.id().empty();
    if (!absl::IsUnavailable(status) || (!known && ++failures >= connection.address_count())) {
      line.Clear();
      return Fail(status);
    }
    if (!known) continue;
    line.Clear();
    if (!away) spdlog::info("{}; waiting for it", std::string(status.message()));
    away = true;
    for (int i = 0; i < 10 && !stopped(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  line.Clear();
  if (last.id().empty()) return kExitLimit;  // ended before it began
  // With what waits for what, which the stream does not say.
  v1::GetCampaignRequest request;
  request.set_id(last.id());
  const auto whole = connection.Call(&Stub::GetCampaign, request);
  if (whole.ok()) last = whole->campaign();
  Print(flags, last);
  return FoundOrNot(last);
}

int Create(const CampaignFlags& flags) {
  v1::CreateCampaignRequest request;
  v1::CampaignSpec& spec = *request.mutable_spec();
  // Judged here, where the places in the file are known: no worker has to refuse a typing mistake.
  const absl::StatusOr<std::vector<LoadedScenario>> scenarios = LoadScenarios(flags.scenarios);
  if (!scenarios.ok()) return Fail(scenarios.status());
  for (const LoadedScenario& loaded : *scenarios) {
    spec.add_scenarios()->set_text(loaded.text);
    if (spec.name().empty()) spec.set_name(loaded.scenario.name);
  }
  if (!flags.name.empty()) spec.set_name(flags.name);
  spec.set_strategy(ToText(flags.strategy));
  spec.set_seed(flags.seed);
  spec.set_stop_at_first_finding(!flags.keep_going);
  spec.mutable_budget()->set_run_count(flags.runs == 0 && flags.seconds == 0 ? 1'000'000
                                                                              : flags.runs);
  spec.mutable_budget()->set_second_count(flags.seconds);
  spec.mutable_budget()->set_input_count_max(flags.inputs_max);
  spec.mutable_budget()->set_finding_count_max(flags.findings_max);
  request.set_request_id(flags.request_id.empty() ? DrawRequestId() : flags.request_id);

  absl::StatusOr<CoordinatorConnection> connection = CoordinatorConnection::Open(flags.coordinator);
  if (!connection.ok()) return Fail(connection.status());
  const auto response = connection->Call(&Stub::CreateCampaign, request);
  if (!response.ok()) return Fail(response.status());
  if (!flags.watch) {
    Print(flags, response->campaign());
    return kExitDone;
  }
  spdlog::info("campaign {} created", response->campaign().id());
  return Watch(flags, *connection, response->campaign().id());
}

int List(const CampaignFlags& flags) {
  absl::StatusOr<CoordinatorConnection> connection = CoordinatorConnection::Open(flags.coordinator);
  if (!connection.ok()) return Fail(connection.status());
  Json rows = Json::array();
  v1::ListCampaignsRequest request;
  do {
    const auto response = connection->Call(&Stub::ListCampaigns, request);
    if (!response.ok()) return Fail(response.status());
    for (const v1::Campaign& campaign : response->campaigns()) {
      rows.push_back(CampaignJson(campaign));
      if (!flags.json) std::printf("%s\n", CampaignRow(campaign).c_str());
    }
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  if (flags.json) PrintJson(Json{{"campaigns", std::move(rows)}});
  return kExitDone;
}

int WatchById(const CampaignFlags& flags) {
  absl::StatusOr<CoordinatorConnection> connection = CoordinatorConnection::Open(flags.coordinator);
  if (!connection.ok()) return Fail(connection.status());
  return Watch(flags, *connection, flags.id);
}

// Show, pause, resume and stop name a campaign and answer with it.
template <auto kMethod, class Request>
int CallById(const CampaignFlags& flags) {
  absl::StatusOr<CoordinatorConnection> connection = CoordinatorConnection::Open(flags.coordinator);
  if (!connection.ok()) return Fail(connection.status());
  Request request;
  request.set_id(flags.id);
  const auto response = connection->Call(kMethod, request);
  if (!response.ok()) return Fail(response.status());
  Print(flags, response->campaign());
  return kExitDone;
}

int Delete(const CampaignFlags& flags) {
  absl::StatusOr<CoordinatorConnection> connection = CoordinatorConnection::Open(flags.coordinator);
  if (!connection.ok()) return Fail(connection.status());
  v1::DeleteCampaignRequest request;
  request.set_id(flags.id);
  const auto response = connection->Call(&Stub::DeleteCampaign, request);
  if (!response.ok()) return Fail(response.status());
  const Json json = {{"id", flags.id},
                     {"inputs", response->input_count()},
                     {"findings", response->finding_count()}};
  if (flags.json) PrintJson(json);
  spdlog::info("{} deleted, with {} inputs and {} findings; failures stay in the store", flags.id,
               response->input_count(), response->finding_count());
  return kExitDone;
}

void AddCreateOptions(CLI::App& command, CampaignFlags& flags) {
  command.add_option("SCENARIO", flags.scenarios, "names, or files; each once")->required();
  command.add_option("--name", flags.name, "for people; by default the first scenario's");
  command.add_option("--runs", flags.runs,
                     "schedules to run for each scenario (default 1000000, if no --seconds)")
      ->transform(WholeNumber(1, std::uint64_t{1} << 62));
  command.add_option("--seconds", flags.seconds, "time for the whole campaign")
      ->transform(WholeNumber(1, 100'000'000));
  command.add_option("--inputs-max", flags.inputs_max, "inputs to keep of a scenario (default 4096)")
      ->transform(WholeNumber(1, 65'536));
  command.add_option("--findings-max", flags.findings_max,
                     "findings to keep of a scenario (default 256)")
      ->transform(WholeNumber(1, 4096));
  command.add_option("--seed", flags.seed, "the seed of all its leases; 0 draws one")
      ->transform(WholeNumber(0))
      ->capture_default_str();
  AddStrategyOption(command, flags.strategy);
  command.add_option("--request-id", flags.request_id,
                     "a word of yours: creating twice with the same one gives one campaign");
  command.add_flag("--keep-going", flags.keep_going,
                   "spend the whole budget, and report every distinct finding; the campaign keeps the first 16 of "
                   "one kind (check, role and function)");
  command.add_flag("--watch", flags.watch, "and watch it until it ends");
}

}  // namespace

void AddCampaignCommand(CLI::App& app, int* exit_status) {
  auto* const command = app.add_subcommand("campaign", "campaigns of a coordinator");
  command->require_subcommand(1);
  ExplainExitStatus(*command, {});  // of those below that say nothing of their own
  const auto flags = std::make_shared<CampaignFlags>();
  const auto add = [&](const char* name, const char* words, int (*run)(const CampaignFlags&)) {
    auto* const sub = command->add_subcommand(name, words);
    flags->coordinator.AddTo(*sub, CoordinatorFlags::Presence::kRequired);
    sub->add_flag("--json", flags->json, "one JSON object on standard output");
    sub->callback([flags, exit_status, run] { *exit_status = run(*flags); });
    return sub;
  };
  const auto add_by_id = [&](const char* name, const char* words,
                             int (*run)(const CampaignFlags&)) {
    auto* const sub = add(name, words, run);
    sub->add_option("ID", flags->id, "a campaign's id, or the start of one")->required();
    return sub;
  };
  auto* const create = add("create", "starts one", &Create);
  AddCreateOptions(*create, *flags);
  ExplainExitStatus(*create, {.done = "created (--watch: it has ended, and nothing was found)",
                              .finding = "a finding (--watch)",
                              .limit = "Ctrl-C came before there was one (--watch)"});
  add("list", "a line each, newest first", &List);
  add_by_id("show", "one: how far it has come, and what waits for what",
            &CallById<&Stub::GetCampaign, v1::GetCampaignRequest>);
  ExplainExitStatus(*add_by_id("watch", "one, until it ends", &WatchById),
                    {.done = "it has ended, and nothing was found", .finding = "a finding",
                     .limit = "Ctrl-C came before there was one"});
  add_by_id("pause", "hands out no more work of it",
            &CallById<&Stub::PauseCampaign, v1::PauseCampaignRequest>);
  add_by_id("resume", "hands out work again",
            &CallById<&Stub::ResumeCampaign, v1::ResumeCampaignRequest>);
  add_by_id("stop", "ends it for ever; what it found stays",
            &CallById<&Stub::StopCampaign, v1::StopCampaignRequest>);
  add_by_id("delete", "forgets one that has ended (the whole id)", &Delete);
  ExplainExitStatus(*command, {.finding = "a finding (watch, create --watch)",
                               .limit = "Ctrl-C came before there was one (watch, create --watch)"});
}

}  // namespace shootdown
