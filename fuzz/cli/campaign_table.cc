#include "fuzz/cli/campaign_table.h"

#include <ctime>

#include "absl/strings/str_format.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/undone_words.h"
#include "fuzz/process/loaded_scenario.h"
#include "proto/rpc/state_names.h"
#include "shootdown/v1/finding.pb.h"

namespace shootdown {
namespace {

std::uint64_t FeatureCount(const v1::Campaign& campaign) {
  std::uint64_t sum = 0;
  for (const v1::ScenarioProgress& s : campaign.scenarios()) sum += s.feature_count();
  return sum;
}

// `3 minimized, 1 new`; `none`.
std::string FindingsText(const v1::Campaign& campaign) {
  std::string text;
  for (int i = 1; i < campaign.findings_by_state_size(); ++i) {
    const std::uint32_t count = campaign.findings_by_state(i);
    if (count == 0) continue;
    text += absl::StrFormat("%s%d %s", text.empty() ? "" : ", ", count,
                            StateName(static_cast<v1::FindingState>(i)));
  }
  return text.empty() ? "none" : text;
}

// The share of runs that would behave as none before; nothing if it is not known.
std::string NewPercent(const v1::BehaviourEstimate& estimate) {
  return estimate.run_count() == 0 ? "" : absl::StrFormat("%.3g %%", 100 * estimate.new_per_run());
}

void AppendBehaviours(const v1::BehaviourEstimate& estimate, std::string& out) {
  if (estimate.run_count() == 0) return;
  out += absl::StrFormat(
      "behaviours %d distinct in %d runs; of more runs like these %.3g %% would show a new one (95 %%: %.3g to %.3g)\n",
      estimate.behaviour_count(), estimate.run_count(), 100 * estimate.new_per_run(),
      100 * estimate.new_per_run_low(), 100 * estimate.new_per_run_high());
}

void AddBehaviours(const v1::BehaviourEstimate& estimate, Json& json) {
  json["behaviours"] = estimate.behaviour_count();
  json["behaviours_runs"] = estimate.run_count();
  json["new_behaviours_per_run"] = estimate.new_per_run();
  json["new_behaviours_per_run_low"] = estimate.new_per_run_low();
  json["new_behaviours_per_run_high"] = estimate.new_per_run_high();
}

// What no run of a scenario has done, and in what words.
struct NeverDone {
  std::vector<std::string> lines;
  Json json;  // null: not known
};

// Runs that end in a finding leave the rest undone, which says nothing of the scenario.
NeverDone NeverDoneOf(const v1::Campaign& campaign, int scenario) {
  const v1::ScenarioProgress& progress = campaign.scenarios(scenario);
  NeverDone never;
  if (progress.reached_run_count() == 0 || progress.finding_count() != 0) return never;
  if (scenario >= campaign.spec().scenarios_size()) return never;
  const absl::StatusOr<LoadedScenario> loaded =
      ParseLoadedScenario(campaign.spec().scenarios(scenario).text(), progress.name());
  if (!loaded.ok()) return never;  // of a newer version
  std::vector<std::uint32_t> reached(progress.reached().begin(), progress.reached().end());
  if (reached.size() > 2 * loaded->scenario.tasks.size()) return never;
  reached.resize(2 * loaded->scenario.tasks.size());
  const std::vector<Undone> undone = FindUndone(loaded->scenario, reached);
  never.lines = UndoneLines(loaded->scenario, undone,
                            "none of " + Counted(progress.reached_run_count(), "run"));
  never.json = UndoneJson(loaded->scenario, undone);
  return never;
}

std::string Budget(const v1::CampaignBudget& budget) {
  std::string text;
  if (budget.run_count() != 0) text = absl::StrFormat("%d runs a scenario", budget.run_count());
  if (budget.second_count() != 0) {
    text += absl::StrFormat("%s%d s", text.empty() ? "" : ", ", budget.second_count());
  }
  return text;
}

void AppendScenarios(const v1::Campaign& campaign, std::string& out) {
  out += absl::StrFormat("\n%-36s %-20s %12s %9s %11s %8s %7s %9s\n", "scenario", "expected", "runs",
                         "features", "behaviours", "new", "inputs", "findings");
  for (int i = 0; i < campaign.scenarios_size(); ++i) {
    const v1::ScenarioProgress& s = campaign.scenarios(i);
    const v1::BehaviourEstimate& b = s.behaviours();
    out += absl::StrFormat("%-36s %-20s %12d %9d %11d %8s %7d %9d\n", s.name(), s.expected(),
                           s.run_count(), s.feature_count(), b.behaviour_count(), NewPercent(b),
                           s.input_count(), s.finding_count());
    if (s.findings_dropped() != 0) {
      out += absl::StrFormat("  %d more findings were dropped: the campaign's limit\n",
                             s.findings_dropped());
    }
    const std::uint32_t input_count_max = campaign.spec().budget().input_count_max();
    if (input_count_max != 0 && s.input_count() >= input_count_max) {
      out += "  no more inputs are kept, nor what is new in them: the campaign's limit (--inputs-max)\n";
    }
    if (!s.refused().empty()) out += absl::StrFormat("  refused: %s\n", s.refused());
    for (const std::string& line : NeverDoneOf(campaign, i).lines) out += "  " + line + "\n";
  }
}

void AppendTasks(const v1::Campaign& campaign, std::string& out) {
  if (campaign.tasks().empty()) return;
  out += absl::StrFormat("\n%-9s %-36s %-9s %-17s %s\n", "task", "scenario", "state", "finding",
                         "why");
  for (const v1::CampaignTask& t : campaign.tasks()) {
    std::string why = t.reason();
    if (!t.worker_id().empty()) {
      why += absl::StrFormat("%sworker %s, lease %s, %.1f s left", why.empty() ? "" : "; ",
                             t.worker_id(), t.lease_id(),
                             static_cast<double>(t.deadline_ms()) / 1000);
    }
    if (t.attempts() > 1) why += absl::StrFormat(" (attempt %d)", t.attempts());
    out += absl::StrFormat("%-9s %-36s %-9s %-17s %s\n", t.kind(), t.scenario(), t.state(),
                           t.finding_id(), why);
  }
}

}  // namespace

std::string Utc(std::int64_t us) {
  if (us == 0) return "";
  const std::time_t seconds = us / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                         parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

bool HasEnded(v1::CampaignState state) {
  return state == v1::CAMPAIGN_STATE_STOPPED || state == v1::CAMPAIGN_STATE_DONE;
}

std::uint32_t FindingCount(const v1::Campaign& campaign) {
  std::uint32_t sum = 0;
  for (int i = 0; i < campaign.findings_by_state_size(); ++i) {
    const bool stands = i != v1::FINDING_STATE_FIXED && i != v1::FINDING_STATE_QUARANTINED;
    if (stands) sum += campaign.findings_by_state(i);
  }
  return sum;
}

std::uint64_t RunCount(const v1::Campaign& campaign) {
  std::uint64_t sum = 0;
  for (const v1::ScenarioProgress& s : campaign.scenarios()) sum += s.run_count();
  return sum;
}

std::string CampaignRow(const v1::Campaign& c) {
  return absl::StrFormat("%s  %-24s %-8s %-13s %12d runs  findings: %s", c.id(), c.spec().name(),
                         StateName(c.state()), Counted(c.scenarios_size(), "scenario"), RunCount(c),
                         FindingsText(c));
}

std::string CampaignLiveLine(const v1::Campaign& c) {
  std::string left;
  if (c.seconds_left() >= 0) left = absl::StrFormat(", %.0f s left", c.seconds_left());
  std::string behaviours;
  if (c.behaviours().run_count() != 0) {
    behaviours = absl::StrFormat(", %d behaviours (%s of runs new)",
                                 c.behaviours().behaviour_count(), NewPercent(c.behaviours()));
  }
  return absl::StrFormat("%s: %s, %s, %d runs, %.0f runs/s, %d features%s, findings: %s%s",
                         c.spec().name(), StateName(c.state()), Counted(c.worker_count(), "worker"), RunCount(c),
                         c.runs_per_second(), FeatureCount(c), behaviours, FindingsText(c), left);
}

std::string CampaignTable(const v1::Campaign& c) {
  std::string out = absl::StrFormat("%s  %s\n", c.id(), c.spec().name());
  out += absl::StrFormat("state      %s\n", StateName(c.state()));
  out += absl::StrFormat("created    %s\n", Utc(c.created_us()));
  if (c.ended_us() != 0) out += absl::StrFormat("ended      %s\n", Utc(c.ended_us()));
  out += absl::StrFormat("strategy   %s, seed %d, %s%s\n", c.spec().strategy(), c.spec().seed(),
                         Budget(c.spec().budget()),
                         c.spec().stop_at_first_finding() ? ", to the first finding of each" : "");
  out += absl::StrFormat("workers    %d, %.0f runs/s\n", c.worker_count(), c.runs_per_second());
  out += absl::StrFormat("findings   %s\n", FindingsText(c));
  AppendBehaviours(c.behaviours(), out);
  AppendScenarios(c, out);
  AppendTasks(c, out);
  return out;
}

Json CampaignJson(const v1::Campaign& c) {
  Json scenarios = Json::array();
  for (int i = 0; i < c.scenarios_size(); ++i) {
    const v1::ScenarioProgress& s = c.scenarios(i);
    scenarios.push_back({{"name", s.name()},
                         {"expected", s.expected()},
                         {"key", s.key()},
                         {"runs", s.run_count()},
                         {"features", s.feature_count()},
                         {"corpus", s.input_count()},
                         {"corpus_bytes", s.input_bytes()},
                         {"findings", s.finding_count()},
                         {"findings_dropped", s.findings_dropped()},
                         {"refused", s.refused()},
                         {"never_done", NeverDoneOf(c, i).json},
                         {"never_done_runs", s.reached_run_count()}});
    AddBehaviours(s.behaviours(), scenarios.back());
  }
  Json tasks = Json::array();
  for (const v1::CampaignTask& t : c.tasks()) {
    tasks.push_back({{"kind", t.kind()},
                     {"scenario", t.scenario()},
                     {"finding", t.finding_id()},
                     {"state", t.state()},
                     {"reason", t.reason()},
                     {"worker", t.worker_id()},
                     {"lease", t.lease_id()},
                     {"deadline_ms", t.deadline_ms()},
                     {"attempts", t.attempts()}});
  }
  Json findings = Json::object();
  for (int i = 1; i < c.findings_by_state_size(); ++i) {
    findings[StateName(static_cast<v1::FindingState>(i))] = c.findings_by_state(i);
  }
  Json json = {{"id", c.id()},
               {"name", c.spec().name()},
               {"state", StateName(c.state())},
               {"created", Utc(c.created_us())},
               {"ended", Utc(c.ended_us())},
               {"strategy", c.spec().strategy()},
               {"seed", c.spec().seed()},
               {"budget_runs", c.spec().budget().run_count()},
               {"budget_seconds", c.spec().budget().second_count()},
               {"workers", c.worker_count()},
               {"runs", RunCount(c)},
               {"runs_per_second", c.runs_per_second()},
               {"seconds_left", c.seconds_left()},
               {"findings_by_state", std::move(findings)},
               {"scenarios", std::move(scenarios)},
               {"tasks", std::move(tasks)}};
  AddBehaviours(c.behaviours(), json);
  return json;
}

}  // namespace shootdown
