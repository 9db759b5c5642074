#include "fuzz/cli/catalogue_table.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/text_table.h"
#include "fuzz/cli/undone_words.h"

namespace shootdown {
namespace {

constexpr std::string_view kBegin = "<!-- begin: shootdown scenarios --check --markdown -->\n";
constexpr std::string_view kEnd = "<!-- end -->\n";

bool ExpectsFinding(const Scenario& scenario) { return scenario.expected != "clean"; }

// `2`, or `2..4` if seeds end differently; empty: nothing was found.
std::string Decisions(const ScenarioOutcome& outcome) {
  const SearchOutcome* const smallest = outcome.Smallest();
  if (smallest == nullptr) return "";
  const std::uint64_t most = outcome.Largest()->decisions;
  std::string text = std::to_string(smallest->decisions);
  if (most != smallest->decisions) text += ".." + std::to_string(most);
  return text;
}

std::string WithCommas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

// What the proof says: `all, 25,280 states`.
std::string Verified(const ScenarioOutcome& outcome, const std::string& expected) {
  if (!outcome.proof) return "";
  const explore::Proof& proof = *outcome.proof;
  const std::string states = ", " + WithCommas(proof.states) + " states";
  const std::string with_event = proof.events == 0 ? "" : ", and an event";
  switch (proof.kind) {
    case explore::Proof::Kind::kUnfinished: return "unfinished";
    case explore::Proof::Kind::kDepartures: return Counted(proof.bound, "departure") + states;
    case explore::Proof::Kind::kPreemptions:
      return Counted(proof.bound, "preemption") + with_event + states;
    case explore::Proof::Kind::kAll: return "all" + with_event + states;
    case explore::Proof::Kind::kRefuted:
      return (proof.check == expected ? "refuted" : "REFUTED by " + proof.check) + states;
  }
  return "";
}

std::string_view NameOf(explore::Proof::Kind kind) {
  switch (kind) {
    case explore::Proof::Kind::kUnfinished: return "unfinished";
    case explore::Proof::Kind::kDepartures:
    case explore::Proof::Kind::kPreemptions: return "bounded";
    case explore::Proof::Kind::kAll: return "all";
    case explore::Proof::Kind::kRefuted: return "refuted";
  }
  return "";
}

// How many proofs came to what, of those that expect nothing else: one sentence.
std::string ProofSummary(const CheckedCatalogue& checked) {
  int refuted = 0;
  int finds = 0;
  int all = 0;
  int within = 0;
  int clean = 0;
  for (std::size_t i = 0; i < checked.scenarios.size(); ++i) {
    const std::optional<explore::Proof>& proof = checked.outcomes[i].proof;
    if (!proof) continue;
    const bool finding = ExpectsFinding(checked.scenarios[i].scenario);
    ++(finding ? finds : clean);
    if (finding && proof->kind == explore::Proof::Kind::kRefuted) ++refuted;
    if (!finding && proof->kind == explore::Proof::Kind::kAll) ++all;
    if (!finding && proof->kind == explore::Proof::Kind::kPreemptions) ++within;
  }
  if (finds + clean == 0) return "";
  return absl::StrFormat(
      " Within %s states, `verify` refutes %d of %d. Of %s it proves %d for all schedules, and %d "
      "for those with at most %d preemptions (%d with three CPUs or more).",
      WithCommas(checked.request.state_count_max), refuted, finds, Counted(clean, "clean one"), all,
      within,
      explore::PreemptionsOfProof(2), explore::PreemptionsOfProof(3));
}

// One sentence on all, and on the proofs.
std::string Summary(const CheckedCatalogue& checked) {
  std::size_t found_count = 0;
  std::uint64_t worst = 0;
  double medians = 0;
  for (std::size_t i = 0; i < checked.scenarios.size(); ++i) {
    if (!ExpectsFinding(checked.scenarios[i].scenario)) continue;
    ++found_count;
    medians += checked.outcomes[i].SecondsMedian();
    worst = std::max(worst, checked.outcomes[i].RunsWorst());
  }
  std::string text = absl::StrFormat("%d scenarios: %s.", checked.scenarios.size(),
                                     checked.DifferCount() == 0
                                         ? "all as expected"
                                         : absl::StrFormat("%d DIFFER", checked.DifferCount()));
  if (found_count != 0) {
    text += absl::StrFormat(
        " The %d that expect a finding take %.1f s together (medians), and at worst %d schedules "
        "(%d seeds each).",
        found_count, medians, worst, checked.request.seed_count);
  }
  return text + ProofSummary(checked);
}

TextTable Table(const CheckedCatalogue& checked, bool with_summaries) {
  std::vector<TextTable::Column> columns = {{.title = "scenario"},
                                            {.title = "commit"},
                                            {.title = "arch"},
                                            {.title = "CPUs", .number = true},
                                            {.title = "expects"},
                                            {.title = "verdict"},
                                            {.title = "schedules", .number = true},
                                            {.title = "worst", .number = true},
                                            {.title = "decisions", .number = true},
                                            {.title = "S", .number = true},
                                            {.title = "seconds", .number = true},
                                            {.title = "verified"}};
  if (with_summaries) columns.push_back({.title = "what"});
  TextTable table(columns);
  for (std::size_t i = 0; i < checked.scenarios.size(); ++i) {
    const Scenario& s = checked.scenarios[i].scenario;
    const ScenarioOutcome& outcome = checked.outcomes[i];
    const std::string verdict = outcome.AsExpected(s.expected)
                                    ? (ExpectsFinding(s) ? "found" : "clean")
                                    : "DIFFERS: " + outcome.Verdict();
    std::vector<std::string> cells = {
        s.name,
        s.commit,
        s.arch,
        std::to_string(s.machine.cpu_count),
        s.expected,
        verdict,
        std::to_string(outcome.RunsMedian()),
        ExpectsFinding(s) ? std::to_string(outcome.RunsWorst()) : "",
        Decisions(outcome),
        s.preemptions.has_value() ? std::to_string(*s.preemptions) : "",
        absl::StrFormat("%.2f", outcome.SecondsMedian()),
        Verified(outcome, s.expected)};
    if (with_summaries) cells.push_back(s.summary);
    table.Add(std::move(cells));
  }
  return table;
}

Json SearchesJson(const std::vector<SearchOutcome>& outcomes) {
  Json searches = Json::array();
  for (std::size_t n = 0; n < outcomes.size(); ++n) {
    const SearchOutcome& o = outcomes[n];
    Json search = {{"seed", n + 1},
                   {"verdict", o.check.empty() ? "clean" : o.check},
                   {"runs", o.runs},
                   {"seconds", o.seconds}};
    if (!o.check.empty()) {
      search["decisions"] = o.decisions_found;
      search["minimized_decisions"] = o.decisions;
      search["schedule"] = o.schedule;
    }
    searches.push_back(std::move(search));
  }
  return searches;
}

Json ProofJson(const explore::Proof& proof, double seconds) {
  Json json = {{"verdict", NameOf(proof.kind)}, {"states", proof.states}, {"seconds", seconds}};
  const bool preemptions = proof.kind == explore::Proof::Kind::kPreemptions;
  if (preemptions) json["preemptions"] = proof.bound;
  if (preemptions || proof.kind == explore::Proof::Kind::kAll) json["events"] = proof.events;
  if (proof.kind == explore::Proof::Kind::kDepartures) json["departures"] = proof.bound;
  if (!proof.check.empty()) json["check"] = proof.check;
  return json;
}

// What no run has done; nothing if a run ended in a finding, which says nothing of the rest.
std::optional<std::vector<Undone>> WhatIsUndone(const Scenario& scenario,
                                                const ScenarioOutcome& outcome) {
  const std::optional<std::vector<std::uint32_t>> reached = outcome.Reached();
  if (!reached) return std::nullopt;
  return FindUndone(scenario, *reached);
}

Json RowJson(const Scenario& s, const ScenarioOutcome& outcome) {
  Json row = {{"name", s.name},
              {"expected", s.expected},
              {"summary", s.summary},
              {"commit", s.commit},
              {"arch", s.arch},
              {"cpus", s.machine.cpu_count},
              {"verdict", outcome.Verdict()},
              {"as_expected", outcome.AsExpected(s.expected)},
              {"runs_median", outcome.RunsMedian()},
              {"runs_worst", outcome.RunsWorst()},
              {"seconds_median", outcome.SecondsMedian()},
              {"seconds_sum", outcome.SecondsSum()}};
  if (outcome.Smallest() != nullptr) {
    row["minimized_decisions"] = outcome.Smallest()->decisions;
    row["minimized_decisions_worst"] = outcome.Largest()->decisions;
  }
  if (s.preemptions.has_value()) row["preemptions"] = *s.preemptions;
  if (!s.note.empty()) row["note"] = s.note;
  if (outcome.proof) row["verified"] = ProofJson(*outcome.proof, outcome.proof_seconds);
  const std::optional<std::vector<Undone>> undone = WhatIsUndone(s, outcome);
  row["never_done"] = undone ? UndoneJson(s, *undone) : Json();
  row["searches"] = SearchesJson(outcome.searches);
  return row;
}

}  // namespace

std::size_t CheckedCatalogue::DifferCount() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    count += outcomes[i].AsExpected(scenarios[i].scenario.expected) ? 0 : 1;
  }
  return count;
}

std::string CatalogueText(const CheckedCatalogue& checked) {
  std::string text = Table(checked, /*with_summaries=*/false).Text();
  for (std::size_t i = 0; i < checked.scenarios.size(); ++i) {
    const Scenario& s = checked.scenarios[i].scenario;
    if (checked.outcomes[i].AsExpected(s.expected)) continue;
    absl::StrAppendFormat(&text, "\n%s expects %s, and comes to:\n", s.name, s.expected);
    const std::vector<SearchOutcome>& searches = checked.outcomes[i].searches;
    for (std::size_t n = 0; n < searches.size(); ++n) {
      const SearchOutcome& o = searches[n];
      absl::StrAppendFormat(&text, "  seed %-3d %s after %d schedules%s%s\n", n + 1,
                            o.check.empty() ? "clean" : o.check, o.runs,
                            o.check.empty() ? "" : ": ", o.schedule);
    }
  }
  for (std::size_t i = 0; i < checked.scenarios.size(); ++i) {
    const Scenario& s = checked.scenarios[i].scenario;
    std::vector<Undone> undone =
        WhatIsUndone(s, checked.outcomes[i]).value_or(std::vector<Undone>());
    std::erase_if(undone, [](const Undone& u) { return u.serves; });  // as long as anybody may want more
    for (const std::string& line : UndoneLines(s, undone, "none of its runs")) {
      absl::StrAppendFormat(&text, "\n%s: %s\n", s.name, line);
    }
  }
  return text + "\n" + Summary(checked) + "\n";
}

Json CatalogueJson(const CheckedCatalogue& checked) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < checked.scenarios.size(); ++i) {
    rows.push_back(RowJson(checked.scenarios[i].scenario, checked.outcomes[i]));
  }
  return {{"seeds", checked.request.seed_count},
          {"runs_max", checked.request.run_count_max},
          {"states_max", checked.request.state_count_max},
          {"differ", checked.DifferCount()},
          {"interrupted", checked.interrupted},
          {"left_out", checked.left_out_count},
          {"scenarios", std::move(rows)}};
}

std::string CatalogueMarkdown(const CheckedCatalogue& checked) {
  std::string text = Summary(checked) + "\n\n" + Table(checked, /*with_summaries=*/true).Markdown();
  std::string notes;
  for (const LoadedScenario& loaded : checked.scenarios) {
    const Scenario& s = loaded.scenario;
    if (!s.note.empty()) absl::StrAppendFormat(&notes, "- `%s`: %s\n", s.name, s.note);
  }
  if (!notes.empty()) text += "\nWhere decisions and S differ:\n\n" + notes;
  return text;
}

absl::StatusOr<std::string> WithCatalogueTable(std::string_view text, std::string_view table,
                                               std::string_view file) {
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = begin == std::string_view::npos ? begin : text.find(kEnd, begin);
  if (end == std::string_view::npos || text.find(kBegin, begin + 1) != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrFormat(
        R"(%s: found no place for the table, wanted the lines "%s" and "%s", once each)",
        std::string(file), std::string(kBegin.substr(0, kBegin.size() - 1)),
        std::string(kEnd.substr(0, kEnd.size() - 1))));
  }
  return std::string(text.substr(0, begin + kBegin.size())) + "\n" + std::string(table) + "\n" +
         std::string(text.substr(end));
}

}  // namespace shootdown
