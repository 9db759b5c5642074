#include "fuzz/explore/state_graph.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <ranges>

#include "fuzz/base/hash.h"
#include "fuzz/explore/saved_bytes.h"

namespace shootdown::explore {
namespace {

constexpr std::size_t kLevelCountMax =
    2 * std::size_t{StateGraph::kCostMax} + StateGraph::kEventCountMax + 1;
constexpr std::uint8_t kUnreached = StateGraph::kCostMax + 1;

StateGraph::Least Unreached() {
  StateGraph::Least least{};
  least.fill(kUnreached);
  return least;
}

}  // namespace

void StateGraph::RunRecord::Save(std::string& bytes) const {
  PutAll(bytes, states);
  PutAll(bytes, options);
  Put(bytes, last);
  Put(bytes, end);
  Put(bytes, known);
  Put(bytes, known_asleep);
  Put(bytes, steps);
}

bool StateGraph::RunRecord::Load(std::string_view& bytes) {
  return GetAll(bytes, states) && GetAll(bytes, options) && Get(bytes, last) && Get(bytes, end) &&
         Get(bytes, known) && Get(bytes, known_asleep) && Get(bytes, steps);
}

bool StateGraph::ReachedWith(const Least& least, Spent spent) const {
  for (std::size_t n = 0; n <= spent.events; ++n) {
    if (least[n] <= Price(spent)) return true;
  }
  return false;
}

bool StateGraph::Reach(LeastByState& states, const Hash128& key, Spent spent) const {
  Least& least = states.try_emplace(key, Unreached()).first->second;
  if (ReachedWith(least, spent)) return false;
  least[spent.events] = Price(spent);
  return true;
}

bool StateGraph::Knows(const Hash128& key, Spent spent) const {
  const auto found = visited_.find(key);
  return found != visited_.end() && ReachedWith(found->second.least, spent);
}

std::uint32_t StateGraph::Find(const Hash128& key, Spent spent, std::uint32_t node) {
  const auto [at, is_new] = visited_.try_emplace(key, Visit{.least = Unreached(), .node = node});
  if (is_new) {
    digest_.high += Mix64(key.high);
    digest_.low += Mix64(key.low);
  }
  Visit& visit = at->second;
  if (ReachedWith(visit.least, spent)) return visit.node;
  visit.least[spent.events] = Price(spent);
  return kNoNode;
}

// ---- what is to be tried -------------------------------------------------------------------------

std::size_t StateGraph::Level() const {
  std::size_t level = 0;
  while (level < levels_.size() && levels_[level].empty()) ++level;
  return level;
}

void StateGraph::TakeBranches(std::size_t count_max, std::vector<Branch>& branches) {
  branches.clear();
  const std::size_t level = Level();
  if (level == levels_.size()) return;
  std::vector<Branch>& from = levels_[level];
  while (!from.empty() && branches.size() < count_max) {
    branches.push_back(from.back());
    from.pop_back();
  }
  branch_count_ -= branches.size();
}

void StateGraph::PutBack(const Branch& branch) {
  const std::size_t level = LevelOf(branch.option);
  if (level >= levels_.size()) levels_.resize(level + 1);
  levels_[level].push_back(branch);
  ++branch_count_;
}

void StateGraph::PutBack(const std::vector<Branch>& branches) {
  for (const Branch& branch : std::views::reverse(branches)) PutBack(branch);
}

std::optional<StateGraph::RunRecord::End> StateGraph::Add(const Branch& branch,
                                                          const RunRecord& run) {
  std::uint32_t node = branch.node;
  std::size_t option = 0;
  for (const RunRecord::State& state : run.states) {
    const auto next = static_cast<std::uint32_t>(nodes_.size());
    if (const std::uint32_t known = Find(state.key, state.reached_by.spent, next);
        known != kNoNode) {
      // Another run was here first. What follows is among that one's options, if not in its own
      // path.
      Meets(node, state.reached_by, known, state.asleep);
      return RunRecord::End::kKnown;
    }
    nodes_.push_back({.parent = node,
                      .reached_by = state.reached_by,
                      .depth = node == kNoNode ? 0 : nodes_[node].depth + 1,
                      .key = state.key,
                      .asleep = state.asleep,
                      .state = next});
    ends_.push_back(0);
    node = next;
    for (; option < state.option_end; ++option) {
      PutBack(Branch{.node = node, .option = run.options[option]});
    }
  }
  if (run.end == RunRecord::End::kAsleep) return run.end;
  if (run.end != RunRecord::End::kKnown) {
    MarkEnds(node);
  } else if (const auto found = visited_.find(run.known); found != visited_.end()) {
    Meets(node, run.last, found->second.node, run.known_asleep);
  } else {
    // It was known from a run that was not added whole: so it is tried again.
    PutBack(Branch{.node = node, .option = run.last});
    return std::nullopt;
  }
  return run.end;
}

std::size_t StateGraph::PathTo(std::uint32_t node, Path& path) const {
  const std::size_t before = path.nodes.size();
  const std::size_t depth = node == kNoNode ? 0 : nodes_[node].depth;
  path.choices.resize(depth);
  path.nodes.resize(depth);
  std::size_t left = depth;
  for (; left != 0; --left) {
    if (left <= before && path.nodes[left - 1] == node) break;
    path.nodes[left - 1] = node;
    path.choices[left - 1] = nodes_[node].reached_by.choice;
    node = nodes_[node].parent;
  }
  return left;
}

// A choice in `node` led to a known state in which `asleep` would sleep: what has slept there so far,
// and would not now, is to be tried there.
void StateGraph::Meets(std::uint32_t node, const Option& by, std::uint32_t known,
                       std::uint64_t asleep) {
  const std::uint64_t wakes = nodes_[known].asleep & ~asleep;
  const std::uint64_t sleeps_on = nodes_[known].asleep & asleep;
  nodes_[known].asleep = sleeps_on;
  LeadsTo(node, known);
  if (wakes == 0) return;
  // As a node of its own: the run that came there last has a place near to go on from.
  const auto here = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({.parent = node,
                    .reached_by = by,
                    .depth = nodes_[node].depth + 1,
                    .key = nodes_[known].key,
                    .state = known});
  ends_.push_back(0);
  PutBackSteps(here, by.spent, wakes, sleeps_on);
}

// The steps of `cpus` are to be tried at `node`, one after the other, and `asleep` sleep there.
void StateGraph::PutBackSteps(std::uint32_t node, Spent spent, std::uint64_t cpus,
                              std::uint64_t asleep) {
  Option option{.choice = {}, .spent = spent, .tried = asleep};
  for (; cpus != 0; cpus &= cpus - 1) {
    const int cpu = std::countr_zero(cpus);
    option.choice = {.process = static_cast<std::uint8_t>(cpu)};
    PutBack(Branch{.node = node, .option = option});
    option.tried |= std::uint64_t{1} << cpu;
  }
}

void StateGraph::TryToo(std::uint32_t node, std::uint64_t cpus) {
  const Node& state = nodes_[node];
  PutBackSteps(node, state.reached_by.spent, cpus & ~state.asleep, state.asleep);
}

// ---- which states lead to an end -----------------------------------------------------------------

void StateGraph::LeadsTo(std::uint32_t node, std::uint32_t known) {
  if (ends_[known] == 0 || sleeps_) edges_.push_back({node, known});
  if (ends_[known] != 0) MarkEnds(node);
}

// And all that lead there.
void StateGraph::MarkEnds(std::uint32_t node) {
  for (; node != kNoNode && ends_[node] == 0; node = nodes_[node].parent) ends_[node] = 1;
}

std::uint32_t StateGraph::NodeWithoutEnd() {
  for (bool more = true; more;) {
    more = false;
    for (const Edge& edge : edges_) {
      if (ends_[edge.node] != 0 || ends_[edge.to] == 0) continue;
      MarkEnds(edge.node);
      more = true;
    }
  }
  const auto found = std::ranges::find(ends_, 0);
  return found == ends_.end() ? kNoNode : static_cast<std::uint32_t>(found - ends_.begin());
}

template <class See>
void StateGraph::ForEachStep(const See& see) const {
  for (const Node& node : nodes_) {
    if (node.parent != kNoNode) see(nodes_[node.parent].state, node.state);
  }
  for (const Edge& edge : edges_) see(nodes_[edge.node].state, edge.to);
}

// States from which nothing leads on are left out, one after the other. What stays leads on for ever.
bool StateGraph::HasCycle() const {
  std::vector<std::uint32_t> ways_on(nodes_.size());
  std::vector<std::uint32_t> first(nodes_.size() + 1);  // by state: of those that lead to it, in `from`
  ForEachStep([&](std::uint32_t here, std::uint32_t to) {
    ++ways_on[here];
    ++first[to + 1];
  });
  std::partial_sum(first.begin(), first.end(), first.begin());
  std::vector<std::uint32_t> from(first.back());
  std::vector<std::uint32_t> next = first;
  ForEachStep([&](std::uint32_t here, std::uint32_t to) { from[next[to]++] = here; });
  std::vector<std::uint32_t> out;
  for (std::uint32_t n = 0; n < nodes_.size(); ++n) {
    if (ways_on[n] == 0) out.push_back(n);
  }
  std::size_t out_count = 0;
  for (; !out.empty(); ++out_count) {
    const std::uint32_t n = out.back();
    out.pop_back();
    for (std::uint32_t e = first[n]; e != first[n + 1]; ++e) {
      if (--ways_on[from[e]] == 0) out.push_back(from[e]);
    }
  }
  return out_count != nodes_.size();
}

// ---- to be gone on with --------------------------------------------------------------------------

void StateGraph::Save(const std::vector<Branch>& untried, std::string& bytes) const {
  PutAll(bytes, nodes_);
  PutAll(bytes, ends_);
  PutAll(bytes, edges_);
  Put(bytes, std::uint64_t{levels_.size()});
  for (const std::vector<Branch>& level : levels_) PutAll(bytes, level);
  PutAll(bytes, untried);
}

bool StateGraph::Load(std::string_view& bytes) {
  std::uint64_t level_count = 0;
  if (!GetAll(bytes, nodes_) || !GetAll(bytes, ends_) || !GetAll(bytes, edges_) ||
      ends_.size() != nodes_.size() || !Get(bytes, level_count) || level_count > kLevelCountMax) {
    return false;
  }
  const auto is_node = [this](std::uint32_t node) { return node < nodes_.size(); };
  const auto is_branch = [&](const Branch& b) {
    return (is_node(b.node) || (nodes_.empty() && b.node == kNoNode)) &&
           LevelOf(b.option) < kLevelCountMax;
  };
  branch_count_ = 0;
  levels_.assign(level_count, {});
  for (std::vector<Branch>& level : levels_) {
    if (!GetAll(bytes, level) || !std::ranges::all_of(level, is_branch)) return false;
    branch_count_ += level.size();
  }
  std::vector<Branch> untried;
  if (!GetAll(bytes, untried) || !std::ranges::all_of(untried, is_branch)) return false;
  PutBack(untried);
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    const Node& node = nodes_[n];
    if (node.parent >= n && node.parent != kNoNode) return false;
    if (node.state > n) return false;
    if (node.depth != (node.parent == kNoNode ? 0 : nodes_[node.parent].depth + 1)) return false;
    if (node.reached_by.spent.events > kEventCountMax) return false;
    const std::uint32_t known = Find(node.key, node.reached_by.spent, static_cast<std::uint32_t>(n));
    if (node.state != n && (!sleeps_ || node.state != known)) return false;
    if (node.state == n && known != kNoNode) return false;
  }
  return std::ranges::all_of(edges_,
                             [&](const Edge& e) { return is_node(e.node) && is_node(e.to); });
}

}  // namespace shootdown::explore
