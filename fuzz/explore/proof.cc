#include "fuzz/explore/proof.h"

namespace shootdown::explore {
namespace {

// An event anywhere makes about so many states of one: where these are too many nothing is tried.
constexpr std::uint64_t kStatesOfAnEvent = 16;

}  // namespace

Proof Prove(sim::Subject& subject, std::uint64_t state_count_max, bool expects_violation) {
  Proof proof;
  StateOptions options;
  options.state_count_max = state_count_max;
  const auto refuted = [&](const Report& report) {
    if (!report.violation) return false;
    proof = {
        .kind = Proof::Kind::kRefuted, .states = report.states, .check = report.violation->check};
    return true;
  };
  if (!expects_violation) {
    for (const std::uint32_t events : {0u, 1u}) {
      options.events = events;
      const Report report = StateSearch(subject, options).Explore();
      if (refuted(report)) return proof;
      if (!report.complete) break;
      proof = {.kind = Proof::Kind::kAll, .events = events, .states = report.states, .check = ""};
      if (report.states * kStatesOfAnEvent > state_count_max) break;
    }
    if (proof.kind == Proof::Kind::kAll) return proof;
  }
  options.events = 1;
  options.departures = StateOptions::kCostMax;
  const Report report = StateSearch(subject, options).Explore();
  if (refuted(report)) return proof;
  proof.states = report.states;
  if (report.complete) {
    proof.kind = Proof::Kind::kAll;
    proof.events = 1;
  } else if (report.departures_complete) {
    proof.kind = Proof::Kind::kBounded;
    proof.departures = *report.departures_complete;
  }
  return proof;
}

}  // namespace shootdown::explore
