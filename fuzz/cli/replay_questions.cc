#include "fuzz/cli/replay_questions.h"

#include <cstdlib>

#include "absl/strings/str_format.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/side_by_side.h"
#include "fuzz/cli/step_words.h"
#include "fuzz/cli/terminal.h"
#include "fuzz/engine/last_chance.h"
#include "fuzz/engine/neighbour.h"
#include "fuzz/engine/store_buffer_need.h"

namespace shootdown {
namespace {

void Say(std::FILE* out, const std::string& words) { std::fputs((words + "\n").c_str(), out); }

std::string Shown(const Schedule& schedule) { return ShownSchedule(schedule.ToText()); }

const char* NameOf(StoreBufferNeed::Answer answer) {
  switch (answer) {
    case StoreBufferNeed::Answer::kNotNeeded:
      return "no";
    case StoreBufferNeed::Answer::kNeeded:
      return "yes";
    case StoreBufferNeed::Answer::kUnknown:
      return "unknown";
  }
  return "";
}

Json AnswerStoreBuffer(Simulation& simulation, const Schedule& schedule,
                       const std::string& kind_key, std::uint64_t run_count_max, std::FILE* out) {
  const StoreBufferNeed need = AskForStoreBuffer(simulation, schedule, kind_key, run_count_max);
  switch (need.answer) {
    case StoreBufferNeed::Answer::kNotNeeded:
      Say(out,
          need.schedule == schedule
              ? "STORE BUFFER  not needed: no store waits in this run, so it fails under SC too"
              : "STORE BUFFER  not needed: it fails in the same way under SC with " +
                    Shown(need.schedule));
      break;
    case StoreBufferNeed::Answer::kNeeded:
      Say(out, absl::StrFormat("STORE BUFFER  needed: no schedule of at most %s fails like this with "
                               "every store in memory at once",
                               Counted(schedule.size(), "decision")));
      Say(out, absl::StrFormat("              (all %s of switches, and of its other kinds of decisions).",
                               Counted(need.run_count, "run")));
      break;
    case StoreBufferNeed::Answer::kUnknown:
      Say(out,
          absl::StrFormat("STORE BUFFER  unknown: within %s nobody found a schedule of at most "
                          "%s that fails like this under SC; --search-runs allows more",
                          Counted(need.run_count, "run"), Counted(schedule.size(), "decision")));
      break;
  }
  Json json = {{"answer", NameOf(need.answer)},
               {"schedule", nullptr},
               {"decisions_max", schedule.size()},
               {"runs", need.run_count}};
  if (need.answer == StoreBufferNeed::Answer::kNotNeeded) json["schedule"] = need.schedule.ToText();
  return json;
}

Json StepJson(const RunWords& run, sim::Row row) {
  const RowWords& words = run.rows[row];
  return {{"step", row}, {"cpu", words.cpu}, {"function", words.function}, {"text", words.text}};
}

std::string StepLine(const RunWords& run, sim::Row row) {
  const RowWords& words = run.rows[row];
  return absl::StrFormat("step %d, CPU %d, %s", row, words.cpu,
                         AfterFunction(words.function, ": ", words.text));
}

// What was gone through behind a step, by the names of a certificate of `verify`.
Json VariedJson(const LastChance& chance) {
  Json varied = {"step_order"};
  if (chance.drains_varied) varied.push_back("store_buffer_drains");
  return varied;
}

std::string ProofText(const LastChance& chance, std::uint64_t run_count_max) {
  if (chance.proved) {
    return absl::StrFormat(
        "proved: every order of steps%s was run; not varied: %sevents from outside",
        chance.drains_varied ? ", and of stores that linger," : "",
        chance.drains_varied ? "" : "stores that linger, ");
  }
  if (chance.ran_out) {
    return absl::StrFormat("within %s nobody found one that passes; --search-runs allows more",
                           Counted(run_count_max, "run"));
  }
  return "not proved: nobody found one that passes, but not every order was run in which stores "
         "may leave a buffer";
}

Json AnswerLastChance(Simulation& simulation, const Schedule& schedule, std::uint64_t run_count_max,
                      std::FILE* out) {
  const LastChance chance = FindLastChance(simulation, schedule, run_count_max);
  const RunWords failing = WordsOfRun(simulation, schedule);
  Json json = {{"step", nullptr},
               {"proved", chance.proved},
               {"varied", VariedJson(chance)},
               {"runs", chance.run_count}};
  const std::string proof = ProofText(chance, run_count_max);
  if (!chance.row.has_value()) {
    Say(out, "LAST CHANCE   there is none: it always fails");
    Say(out, "              (" + proof + ").");
    return json;
  }
  Say(out, "LAST CHANCE   " + StepLine(failing, *chance.row));
  Say(out, "              Before it a schedule still passes: " + Shown(chance.passing) + ".");
  Say(out, "              After it none does");
  Say(out, "              (" + proof + ").");
  json["step"] = *chance.row;
  json["at"] = StepJson(failing, *chance.row);
  json["passing_schedule"] = chance.passing.ToText();
  return json;
}

std::string ChangeText(const Neighbour& n) {
  const std::string decision = ToText(n.decision);
  switch (n.change) {
    case Neighbour::Change::kLeftOut:
      return decision + " is left out";
    case Neighbour::Change::kAdded:
      return decision + " is added";
    case Neighbour::Change::kMoved:
      return absl::StrFormat("%s comes %s %s", decision,
                             Counted(static_cast<std::uint64_t>(std::abs(n.moved_by)), "step"),
                             n.moved_by < 0 ? "earlier" : "later");
  }
  return "";
}

const char* NameOf(Neighbour::Change change) {
  switch (change) {
    case Neighbour::Change::kMoved:
      return "moved";
    case Neighbour::Change::kLeftOut:
      return "left_out";
    case Neighbour::Change::kAdded:
      return "added";
  }
  return "";
}

Json AnswerNeighbour(Simulation& simulation, const Schedule& schedule, std::FILE* out) {
  const NeighbourSearch search = FindNeighbour(simulation, schedule);
  if (!search.nearest.has_value()) {
    Say(out, absl::StrFormat("NEIGHBOUR     none: no schedule passes that has one decision less or "
                             "elsewhere, or one switch more (%s)",
                             Counted(search.run_count, "run")));
    return {{"schedule", nullptr}, {"runs", search.run_count}};
  }
  const Neighbour& n = *search.nearest;
  const RunWords passing = WordsOfRun(simulation, n.schedule);
  const RunWords failing = WordsOfRun(simulation, schedule);
  Say(out, "NEIGHBOUR     " + Shown(n.schedule) + " passes: " + ChangeText(n) + ".");
  Json json = {{"schedule", n.schedule.ToText()},
               {"change", NameOf(n.change)},
               {"decision", ToText(n.decision)},
               {"moved_by_steps", n.moved_by},
               {"first_difference", n.first_difference},
               {"reversed_pairs", n.reversed.size()},
               {"reversed", nullptr},
               {"runs", search.run_count}};
  std::vector<sim::Row> marked;
  if (n.reversed.empty()) {
    Say(out, "              Both runs have no pair of accesses to one word in another order.");
  } else {
    const ReversedPair& pair = n.reversed.front();
    Say(out, "              What fails has " + StepLine(failing, pair.first));
    Say(out, "                     before " + StepLine(failing, pair.second) + ".");
    Say(out, absl::StrFormat("              What passes has them the other way round%s.",
                             n.reversed.size() == 1
                                 ? std::string()
                                 : " (and " + Counted(n.reversed.size() - 1, "pair") + " more)"));
    marked = {pair.first, pair.second};
    json["reversed"] = Json::array({StepJson(failing, pair.first), StepJson(failing, pair.second)});
  }
  Say(out, SideBySide(failing, passing, n.first_difference, marked, TerminalColumns(out)));
  return json;
}

}  // namespace

void AnswerQuestions(Simulation& simulation, const Schedule& schedule, const std::string& kind_key,
                     const ReplayQuestions& questions, std::FILE* out, Json& json) {
  if (questions.needs_store_buffer) {
    json["needs_store_buffer"] =
        AnswerStoreBuffer(simulation, schedule, kind_key, questions.run_count_max, out);
  }
  if (questions.last_chance) {
    json["last_chance"] = AnswerLastChance(simulation, schedule, questions.run_count_max, out);
  }
  if (questions.neighbour) json["neighbour"] = AnswerNeighbour(simulation, schedule, out);
}

}  // namespace shootdown
