// What a search over states has learned: the states that it has met, how each is reached, and what
// is still to be tried. Plain data. It grows by records of runs, and the same records in the same
// order make the same graph: so several processes that tell each other what they did have one each.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_STATE_GRAPH_H_
#define SHOOTDOWN_FUZZ_EXPLORE_STATE_GRAPH_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fuzz/base/content_hash.h"
#include "fuzz/sim/scheduler.h"

namespace shootdown::explore {

class StateGraph {
 public:
  static constexpr std::uint32_t kEventCountMax = 3;  // in a run
  static constexpr std::uint32_t kCostMax = 254;
  static constexpr std::uint32_t kNoNode = 0xffff'ffff;

  // kStep: the process takes a step. kDrain: it does, and what it stores is in memory at once. Else
  // the CPU meets an event.
  struct Choice {
    std::uint8_t process = 0;
    sim::Move::Kind event = sim::Move::Kind::kStep;
    std::uint8_t arg = 0;
    bool operator==(const Choice&) const = default;
  };
  struct Spent {
    std::uint16_t cost = 0;  // of what is bounded
    std::uint8_t events = 0;
    std::uint8_t held = 0;  // stores, if they are no part of the cost
  };
  struct Option {
    Choice choice;
    Spent spent;
    // A bit for each CPU whose next step is tried before this choice, and so need not be tried after
    // it if the two touch nothing in common (sleep sets).
    std::uint64_t tried = 0;
  };
  // An option that a state has, and that is still to be tried. kNoNode: the very first run.
  struct Branch {
    std::uint32_t node = kNoNode;
    Option option;
  };

  // A run that began with a branch.
  struct RunRecord {
    struct State {
      Hash128 key;
      Option reached_by;
      std::uint64_t asleep = 0;      // CPUs whose next step need not be tried there
      std::uint32_t option_end = 0;  // its options, without the one that the run took, end there
    };
    // kAsleep: nothing is to be tried in the last state.
    enum class End : std::uint8_t { kKnown, kOver, kViolation, kAsleep };
    std::vector<State> states;  // new ones, as far as whoever made the run knew
    std::vector<Option> options;
    Option last;  // what was chosen last
    End end = End::kOver;
    Hash128 known;  // kKnown: the state that it came to
    std::uint64_t known_asleep = 0;  // kKnown: what would be asleep there
    std::uint32_t steps = 0;

    void Save(std::string& bytes) const;
    // Takes one from the front of `bytes`. False: none is there.
    [[nodiscard]] bool Load(std::string_view& bytes);
  };

  // Of a state: for each number of events the least cost with which it was reached.
  struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
  };
  using Least = std::array<std::uint8_t, kEventCountMax + 1>;
  using LeastByState = absl::flat_hash_map<Hash128, Least, HashOfHash>;
  // `counts_cost`: the cost is bounded; else a state reached at any cost is reached.
  // `sleeps`: some steps are not tried where others were before; no cost is bounded then.
  explicit StateGraph(bool counts_cost, bool sleeps = false)
      : counts_cost_(counts_cost), sleeps_(sleeps), levels_(1, std::vector<Branch>(1)) {}

  // False: the state was reached with no more than that before. Else that is noted in `states`.
  [[nodiscard]] bool Reach(LeastByState& states, const Hash128& key, Spent spent) const;

  // Knows(key) will be asked next: what it needs is fetched meanwhile.
  void Prefetch(const Hash128& key) const { visited_.prefetch(key); }
  // All is known that follows from the state with so much spent.
  [[nodiscard]] bool Knows(const Hash128& key, Spent spent) const;
  // The next branches to be tried, at most `count_max`: of those with the fewest departures the
  // latest first. They are no longer in the graph. Empty: there are none left.
  void TakeBranches(std::size_t count_max, std::vector<Branch>& branches);
  void PutBack(const std::vector<Branch>& branches);
  // A branch was tried with this result; branches are added in the order in which they were taken.
  // Returns how the run ended, for those who count: kKnown also where it met a state that has been
  // added since; and nothing if the branch is to be tried again.
  std::optional<RunRecord::End> Add(const Branch& branch, const RunRecord& run);

  // These are to be tried in the state of `node` too, but for those who sleep there.
  void TryToo(std::uint32_t node, std::uint64_t cpus);

  // The choices that lead to a node.
  struct Path {
    std::vector<Choice> choices;
    std::vector<std::uint32_t> nodes;  // the node that each leads to
  };
  // Makes `path`, which was to some node, one to `node`. What both begin with is not made anew:
  // returns how many choices that are.
  std::size_t PathTo(std::uint32_t node, Path& path) const;
  // A node from which no run comes to its end, whatever is chosen; kNoNode: there is none. Runs
  // that come back to where they were are given up, so this is asked when all is explored.
  // REQUIRES: not `sleeps`: what was not tried leads nowhere.
  [[nodiscard]] std::uint32_t NodeWithoutEnd();
  // Some run comes back to where it was. REQUIRES: `sleeps`; all is explored.
  [[nodiscard]] bool HasCycle() const;
  [[nodiscard]] Spent SpentAt(std::uint32_t node) const { return nodes_[node].reached_by.spent; }

  [[nodiscard]] std::uint64_t state_count() const { return visited_.size(); }
  [[nodiscard]] std::uint64_t branch_count() const { return branch_count_; }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
  // Of the branches that are left, the fewest departures; as many as there are levels if none is
  // left.
  [[nodiscard]] std::size_t Level() const;
  [[nodiscard]] Hash128 digest() const { return digest_; }

  // `untried`: branches that were taken and not added yet.
  void Save(const std::vector<Branch>& untried, std::string& bytes) const;
  // Takes a graph from the front of `bytes`. False: none is there, and this one is not to be used.
  [[nodiscard]] bool Load(std::string_view& bytes);

 private:
  // A state, as the choices that lead to it: its parent's, and one more.
  struct Node {
    std::uint32_t parent = 0;
    Option reached_by;
    std::uint32_t depth = 0;  // how many choices lead there
    Hash128 key;
    std::uint64_t asleep = 0;  // whatever run came there
    // With sleep sets: the first node that is this state. Only that one says who sleeps.
    std::uint32_t state = 0;
  };
  struct Visit {
    Least least;
    std::uint32_t node;  // one that is this state
  };
  // A run that was given up: `node` leads to the state of node `to`, which was known.
  struct Edge {
    std::uint32_t node;
    std::uint32_t to;
  };

  [[nodiscard]] std::uint8_t Price(Spent spent) const {
    return counts_cost_ ? static_cast<std::uint8_t>(spent.cost) : 0;
  }
  [[nodiscard]] bool ReachedWith(const Least& least, Spent spent) const;
  [[nodiscard]] static std::size_t LevelOf(const Option& option) {
    return std::size_t{option.spent.cost} + option.spent.events + option.spent.held;
  }
  // The node of a state of which all is known that follows with so much spent; kNoNode: `node` is a
  // new one.
  [[nodiscard]] std::uint32_t Find(const Hash128& key, Spent spent, std::uint32_t node);
  void PutBack(const Branch& branch);
  void PutBackSteps(std::uint32_t node, Spent spent, std::uint64_t cpus, std::uint64_t asleep);
  void Meets(std::uint32_t node, const Option& by, std::uint32_t known, std::uint64_t asleep);
  void LeadsTo(std::uint32_t node, std::uint32_t known);
  void MarkEnds(std::uint32_t node);
  // All steps that were tried: from which state to which.
  template <class See>
  void ForEachStep(const See& see) const;

  bool counts_cost_;
  bool sleeps_;
  absl::flat_hash_map<Hash128, Visit, HashOfHash> visited_;
  std::vector<Node> nodes_;
  std::vector<std::uint8_t> ends_;           // by node: a run from there comes to its end
  std::vector<Edge> edges_;                  // to nodes of which that is not known; or all (sleeps_)
  std::vector<std::vector<Branch>> levels_;  // by departures
  std::uint64_t branch_count_ = 1;
  Hash128 digest_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_STATE_GRAPH_H_
