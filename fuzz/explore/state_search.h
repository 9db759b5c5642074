// Systematic search over states, for programs and for kernel scenarios: what was reached before, by
// whatever order of steps, is not explored again. No partial-order reduction, and no knowledge of
// what steps mean: so it is an independent witness for SourceDpor, and right for all that the
// machine does.
//
// What is near the default order comes first: runs are tried by their departures from it, whether
// or not these are bounded. So a violation is found with few of them.
//
// What a state is: fuzz/explore/state_key.h.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_STATE_SEARCH_H_
#define SHOOTDOWN_FUZZ_EXPLORE_STATE_SEARCH_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fuzz/base/content_hash.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/explore/report.h"
#include "fuzz/explore/state_key.h"

namespace shootdown::explore {

struct StateOptions : Options {
  static constexpr std::uint32_t kEventCountMax = 3;
  static constexpr std::uint32_t kCostMax = 254;
  // At most one of the three, each at most kCostMax; without, nothing is bounded. What the first
  // two count: Bound in fuzz/explore/enumerate.h. Departures are preemptions, events, and stores
  // that do not reach memory at once, though none waits before them: all together.
  std::optional<std::uint32_t> preemptions = std::nullopt;
  std::optional<std::uint32_t> delays = std::nullopt;
  std::optional<std::uint32_t> departures = std::nullopt;
  // Events from outside in a run, at most; at most kEventCountMax. Where the machine and its guest
  // have them: before any step a reschedule interrupt, a non-maskable one, and a walk that hardware
  // makes of its own accord; before a step that uses a TLB, one of its entries evicted; and where
  // an interrupt may come or waits, interrupts deferred for 1, 2, 4 or 8 steps. (Earlier, the last
  // two change nothing.)
  std::uint32_t events = 0;
  std::uint64_t state_count_max = UINT64_MAX;  // each takes about 80 bytes
};

class StateSearch : public ProcessScheduler {
 public:
  StateSearch(sim::Subject& subject, const StateOptions& options);
  [[nodiscard]] Report Explore();

  // So far, for a progress line: states, runs, runs still to be made that are known of, and
  // departures of one.
  [[nodiscard]] std::uint64_t state_count() const { return visited_.size(); }
  [[nodiscard]] std::uint64_t run_count() const { return run_count_ + given_up_count_; }
  [[nodiscard]] std::uint64_t branch_count() const { return branch_count_; }
  [[nodiscard]] std::uint32_t departures() const { return static_cast<std::uint32_t>(level_); }

  // What an unfinished search knows, as bytes of this build's own; for a search with the same
  // subject and options, which goes on from there. To be called while none runs, or from
  // Options::should_stop.
  void Save(std::string& bytes) const;
  // False: those bytes are none that Save made, or incomplete; then the search is not to be used.
  [[nodiscard]] bool Load(std::string_view bytes);

 protected:
  void NewRun() override;
  [[nodiscard]] Process Choose() override;

 private:
  // kStep: the process takes a step. Else the CPU meets an event.
  struct Choice {
    std::uint8_t process = 0;
    sim::Move::Kind event = sim::Move::Kind::kStep;
    std::uint8_t arg = 0;
  };
  struct Spent {
    std::uint16_t cost = 0;  // of what is bounded
    std::uint8_t events = 0;
    std::uint8_t held = 0;  // stores, if they are no part of the cost
  };
  // A state, as the choices that lead to it: its parent's, and one more.
  struct Node {
    std::uint32_t parent = 0;
    Choice choice;
    Spent spent;
    Hash128 key;
  };
  // A choice that a state has, and that is still to be tried.
  struct Branch {
    std::uint32_t node = 0;
    Choice choice;
    Spent spent;
  };
  struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
  };
  // For each number of events: the least cost with which the state was reached; kCostMax + 1: it
  // was not.
  struct Visit {
    std::array<std::uint8_t, StateOptions::kEventCountMax + 1> least;
    std::uint32_t node;  // one that is this state
  };
  // A run that was given up: `node` leads to the state of node `to`, which was known.
  struct Edge {
    std::uint32_t node;
    std::uint32_t to;
  };

  [[nodiscard]] bool bounded() const {
    return options_.preemptions || options_.delays || options_.departures;
  }
  // The node of a state of which all is known that follows with so much spent; kNoNode: `node` is a
  // new one.
  [[nodiscard]] std::uint32_t Find(const Hash128& key, Spent spent, std::uint32_t node);
  void MarkEnds(std::uint32_t node);
  [[nodiscard]] std::uint32_t NodeWithoutEnd();
  void ListChoices();
  [[nodiscard]] int JustHeld() const;
  void AddEvents(int cpu, Spent spent);
  [[nodiscard]] bool InterruptMayCome(int cpu) const;
  [[nodiscard]] Process Take(const Choice& choice, Spent spent);
  void Prepare(std::uint32_t node, std::optional<Choice> choice);
  [[nodiscard]] bool NextBranch();

  sim::Subject& subject_;
  StateOptions options_;
  absl::flat_hash_map<Hash128, Visit, HashOfHash> visited_;
  std::vector<Node> nodes_;
  std::vector<std::uint8_t> ends_;           // by node: a run from there comes to its end
  std::vector<Edge> edges_;                  // to nodes of which that is not known
  std::vector<std::vector<Branch>> levels_;  // by departures
  std::size_t level_ = 0;
  std::uint64_t branch_count_ = 0;
  Hash128 digest_;
  std::uint64_t run_count_ = 0;  // that came to their end
  std::uint64_t given_up_count_ = 0;
  std::uint64_t steps_max_ = 0;

  // Of the run so far.
  StateKey key_;
  std::vector<Choice> path_;  // what it begins with
  std::size_t depth_ = 0;
  std::uint32_t node_ = 0;  // the last state; kNoNode before the first
  Choice taken_;            // from there
  Spent spent_;
  Process last_cpu_ = kNobody;
  bool gave_up_ = false;
  bool goes_on_ = false;  // even where all is known
  std::vector<Branch> choices_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_STATE_SEARCH_H_
