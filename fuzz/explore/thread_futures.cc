#include "fuzz/explore/thread_futures.h"

#include <algorithm>

#include "fuzz/explore/saved_bytes.h"

namespace shootdown::explore {
namespace {

using sim::StepKind;

// What is no plain access gets in the way of all, and all in its way: each step reads this bit, and such a
// one writes it.
constexpr std::uint64_t kAnything = std::uint64_t{1} << 63;
constexpr std::size_t kWordBits = 63;

}  // namespace

ThreadFutures::Touched ThreadFutures::TouchedBy(StepKind kind, sim::WordIndex word) {
  if (kind == StepKind::kFence) return {.read = kAnything, .written = 0};
  const bool reads = kind == StepKind::kLoad || kind == StepKind::kRmw;
  const bool writes = kind == StepKind::kStore || kind == StepKind::kRmw;
  if (word == sim::kNoWord || (!reads && !writes)) {
    return {.read = ~std::uint64_t{0}, .written = ~std::uint64_t{0}};
  }
  auto at = std::ranges::find(words_, word);
  if (at == words_.end()) at = words_.insert(at, word);
  const std::uint64_t bit = std::uint64_t{1}
                            << (static_cast<std::size_t>(at - words_.begin()) % kWordBits);
  return {.read = kAnything | (reads ? bit : 0), .written = writes ? bit : 0};
}

ThreadFutures::Stand ThreadFutures::Find(std::uint64_t key, StepKind kind, sim::WordIndex word) {
  const auto [at, is_new] = by_key_.try_emplace(key, static_cast<Stand>(nodes_.size()));
  if (is_new) {
    const Touched next = TouchedBy(kind, word);
    nodes_.push_back({.key = key, .next = next, .future = next});
    before_.emplace_back();
    last_after_.push_back(kOver);
  }
  return at->second;
}

void ThreadFutures::Follows(Stand before, Stand after) {
  if (before == after || after == kOver || last_after_[before] == after) return;
  last_after_[before] = after;
  std::vector<Stand>& all = before_[after];
  if (std::ranges::find(all, before) != all.end()) return;
  all.push_back(before);
  ways_.push_back({before, after});
  WidenFuture(before, nodes_[after].future);
}

// Also of all from which a way leads to `stand`.
void ThreadFutures::WidenFuture(Stand stand, const Touched& by) {
  std::vector<Stand> wider;
  const auto widen = [&](Stand s, const Touched& more) {
    Touched& future = nodes_[s].future;
    const Touched was = future;
    future.read |= more.read;
    future.written |= more.written;
    if (future == was) return;
    ++news_;
    wider.push_back(s);
  };
  widen(stand, by);
  while (!wider.empty()) {
    const Stand after = wider.back();
    wider.pop_back();
    for (const Stand before : before_[after]) widen(before, nodes_[after].future);
  }
}

ProcessSet ThreadFutures::Close(ProcessSet set, std::span<const Stand> stands) const {
  for (ProcessSet left = set; left != 0;) {
    const Touched& next = nodes_[stands[static_cast<std::size_t>(Lowest(left))]].next;
    left &= left - 1;
    for (std::size_t q = 0; q < stands.size(); ++q) {
      const ProcessSet bit = Bit(static_cast<Process>(q));
      if ((set & bit) != 0 || !next.Conflicts(nodes_[stands[q]].future)) continue;
      set |= bit;
      left |= bit;
    }
  }
  return set;
}

void ThreadFutures::Save(std::string& bytes) const {
  PutAll(bytes, nodes_);
  PutAll(bytes, ways_);
  PutAll(bytes, words_);
  Put(bytes, news_);
}

bool ThreadFutures::Load(std::string_view& bytes) {
  std::vector<Way> ways;
  if (!GetAll(bytes, nodes_) || !GetAll(bytes, ways) || !GetAll(bytes, words_) ||
      !Get(bytes, news_) || nodes_.empty()) {
    return false;
  }
  before_.assign(nodes_.size(), {});
  last_after_.assign(nodes_.size(), kOver);
  for (Stand s = 1; s < nodes_.size(); ++s) by_key_[nodes_[s].key] = s;
  for (const Way& way : ways) {
    if (way.before >= nodes_.size() || way.after >= nodes_.size()) return false;
    before_[way.after].push_back(way.before);
  }
  ways_ = std::move(ways);
  return true;
}

}  // namespace shootdown::explore
