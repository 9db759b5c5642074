#include "fuzz/explore/proof.h"

#include <optional>

namespace shootdown::explore {
namespace {

// An event anywhere makes about so many states of one: where these are too many nothing is tried.
constexpr std::uint64_t kStatesOfAnEvent = 32;

Proof Refuted(std::uint64_t states, const sim::Violation& violation) {
  return {.kind = Proof::Kind::kRefuted, .states = states, .check = violation.check};
}

// Everything that `options` allow, and then with an event as well, of at most so many states.
// Nothing: it is too much.
std::optional<Proof> ProveAll(sim::Subject& subject, StateOptions options, Proof::Kind kind,
                              std::uint64_t states_with_event_max) {
  std::optional<Proof> proof;
  for (const std::uint32_t events : {0u, 1u}) {
    options.events = events;
    const Report report = StateSearch(subject, options).Explore();
    if (report.violation) return Refuted(report.states, *report.violation);
    if (!report.complete) break;
    proof = Proof{.kind = kind,
                  .bound = options.preemptions.value_or(0),
                  .events = events,
                  .states = report.states,
                  .check = ""};
    if (report.states * kStatesOfAnEvent > states_with_event_max) break;
    options.state_count_max = states_with_event_max;
  }
  return proof;
}

}  // namespace

Proof Prove(sim::Subject& subject, std::uint64_t state_count_max, bool expects_violation) {
  StateOptions options;
  options.state_count_max = state_count_max;
  if (!expects_violation) {
    if (const auto all = ProveAll(subject, options, Proof::Kind::kAll, state_count_max)) {
      return *all;
    }
    const int cpu_count = subject.machine().cpu_count();
    options.preemptions = PreemptionsOfProof(cpu_count);
    options.state_count_max = StatesOfLongProof(cpu_count) * state_count_max;
    const auto most = ProveAll(subject, options, Proof::Kind::kPreemptions, state_count_max);
    options.preemptions.reset();
    if (most) {
      const auto all = most->kind == Proof::Kind::kRefuted
                           ? std::nullopt
                           : ProveAll(subject, options, Proof::Kind::kAll, state_count_max);
      return all ? *all : *most;
    }
    options.state_count_max = state_count_max;
  }
  options.events = 1;
  options.departures = StateOptions::kCostMax;
  const Report report = StateSearch(subject, options).Explore();
  if (report.violation) return Refuted(report.states, *report.violation);
  if (expects_violation && !report.complete) {
    options.events = 0;
    options.departures.reset();
    const Report without = StateSearch(subject, options).Explore();
    if (without.violation) return Refuted(without.states, *without.violation);
  }
  Proof proof{.states = report.states, .check = ""};
  if (report.complete) {
    proof.kind = Proof::Kind::kAll;
    proof.events = 1;
  } else if (report.departures_complete) {
    proof.kind = Proof::Kind::kDepartures;
    proof.bound = *report.departures_complete;
  }
  return proof;
}

}  // namespace shootdown::explore
