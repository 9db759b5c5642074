#include "fuzz/explore/subtrees.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "fuzz/base/check.h"
#include "fuzz/explore/saved_bytes.h"
#include "fuzz/explore/source_sets.h"

namespace shootdown::explore {

std::vector<Subtrees::ForkId> Subtrees::PathTo(ForkId id) const {
  std::vector<ForkId> path;
  for (; id != kNoFork; id = forks_.at(id).parent) path.push_back(id);
  std::ranges::reverse(path);
  return path;
}

std::vector<FootprintFrame> Subtrees::FramesBefore(const Part& part) const {
  std::vector<FootprintFrame> frames;
  if (part.fork == kNoFork) return frames;
  const std::vector<ForkId> path = PathTo(part.fork);
  for (std::size_t i = 1; i < path.size(); ++i) frames.push_back(forks_.at(path[i]).before);
  frames.push_back(part.frames.front());
  for (std::size_t i = 0; i < path.size(); ++i) {
    frames[i].backtrack = forks_.at(path[i]).frame.backtrack;
  }
  return frames;
}

void Subtrees::Tell(const Part& part, std::span<const Wish> wishes) {
  if (wishes.empty()) return;
  const std::vector<ForkId> path = PathTo(part.fork);
  for (const Wish& wish : wishes) {
    FootprintFrame& frame = forks_.at(path[wish.depth]).frame;
    frame.backtrack |=
        ToBeTried(wish.initials, frame.enabled, frame.backtrack | frame.asleep, wish.process);
  }
}

void Subtrees::Searched(Part& part, bool is_over) {
  part.is_over = is_over;
  if (part.fork == kNoFork) return;
  Fork& fork = forks_.at(part.fork);
  if (part.is_new) {
    const FootprintFrame& begin = part.frames.front();
    SHOOTDOWN_CHECK(begin.touched != nullptr);
    fork.frame.touched = begin.touched;
    fork.frame.looks_at_store = begin.looks_at_store;
    fork.begins = false;
    part.is_new = false;
  }
  if (!is_over) return;
  --fork.children;
  DropIfOver(part.fork);
}

void Subtrees::DropIfOver(ForkId id) {
  while (id != kNoFork) {
    const auto at = forks_.find(id);
    if (at->second.children != 0 || CanGoOn(at->second)) return;
    id = at->second.parent;
    forks_.erase(at);
    if (id != kNoFork) --forks_.at(id).children;
  }
}

void Subtrees::TryNext(ForkId id) {
  Fork& fork = forks_.at(id);
  SHOOTDOWN_CHECK(CanGoOn(fork));
  SHOOTDOWN_CHECK(fork.frame.Next());
  fork.begins = true;
  ++fork.children;
  parts_.push_back({.fork = id, .frames = {fork.frame}});
}

// Near the root, where much is behind a step. What the last frame's step touches is not known yet.
void Subtrees::Split(std::size_t n) {
  Part& part = parts_[n];
  if (part.frames.empty()) return;
  const auto own = part.frames.begin() + static_cast<std::ptrdiff_t>(part.own_begin());
  const auto end = std::prev(part.frames.end());
  if (own > end) return;
  const auto last = std::find_if(own, end, [](const FootprintFrame& f) { return f.HasNext(); });
  if (last == end) return;
  for (auto frame = own; frame <= last; ++frame) {
    Fork fork{.parent = part.fork, .before = {}, .frame = *frame, .children = 1};
    if (part.fork != kNoFork) fork.before = *std::prev(frame);
    part.fork = ++last_id_;
    forks_.emplace(part.fork, std::move(fork));
  }
  part.frames.erase(part.frames.begin(), last);
  TryNext(part.fork);
}

bool Subtrees::Divide(std::size_t part_count_max) {
  std::erase_if(parts_, [](const Part& part) { return part.is_over; });
  for (const auto& [id, fork] : forks_) {
    if (parts_.size() == part_count_max) break;
    if (CanGoOn(fork)) TryNext(id);
  }
  const std::size_t count = parts_.size();
  for (std::size_t n = 0; n < count && parts_.size() < part_count_max; ++n) Split(n);
  SHOOTDOWN_CHECK(!parts_.empty() || forks_.empty());
  return !parts_.empty();
}

std::uint64_t Subtrees::branch_count() const {
  std::uint64_t count = 0;
  const auto add = [&count](const FootprintFrame& frame) {
    count += frame.LeftCount();
  };
  for (const auto& [id, fork] : forks_) add(fork.frame);
  for (const Part& part : parts_) {
    if (part.is_over) continue;
    ++count;
    for (std::size_t i = part.own_begin(); i < part.frames.size(); ++i) add(part.frames[i]);
  }
  return count;
}

// ---- written down --------------------------------------------------------------------------------

namespace {

void PutFlag(std::string& bytes, bool flag) { Put(bytes, static_cast<std::uint8_t>(flag)); }

bool GetFlag(std::string_view& bytes, bool& flag) {
  std::uint8_t value = 0;
  if (!Get(bytes, value) || value > 1) return false;
  flag = value == 1;
  return true;
}

}  // namespace

void Subtrees::Write(FrameWriter& writer, const Part& part) {
  Put(writer.bytes(), part.fork);
  PutFlag(writer.bytes(), part.is_new);
  PutFlag(writer.bytes(), part.is_over);
  Put(writer.bytes(), static_cast<std::uint32_t>(part.frames.size()));
  for (const FootprintFrame& frame : part.frames) writer.Write(frame);
}

bool Subtrees::Read(FrameReader& reader, Part& part) {
  std::uint32_t count = 0;
  if (!Get(reader.bytes(), part.fork) || !GetFlag(reader.bytes(), part.is_new) ||
      !GetFlag(reader.bytes(), part.is_over) || !Get(reader.bytes(), count) ||
      count > reader.bytes().size()) {
    return false;
  }
  part.frames.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!reader.Read(part.frames.emplace_back())) return false;
    if (i != 0 && part.frames[i - 1].touched == nullptr) return false;
  }
  return part.is_over || part.frames.size() >= part.own_begin();
}

void Subtrees::Save(FrameWriter& writer) const {
  Put(writer.bytes(), static_cast<std::uint32_t>(forks_.size()));
  for (const auto& [id, fork] : forks_) {
    Put(writer.bytes(), id);
    Put(writer.bytes(), fork.parent);
    if (fork.parent != kNoFork) writer.Write(fork.before);
    writer.Write(fork.frame);
    PutFlag(writer.bytes(), fork.begins);
  }
  Put(writer.bytes(), static_cast<std::uint32_t>(parts_.size()));
  for (const Part& part : parts_) Write(writer, part);
}

bool Subtrees::LoadForks(FrameReader& reader) {
  std::uint32_t count = 0;
  if (!Get(reader.bytes(), count)) return false;
  for (; count != 0; --count) {
    ForkId id = kNoFork;
    Fork fork;
    if (!Get(reader.bytes(), id) || id <= last_id_ || !Get(reader.bytes(), fork.parent)) {
      return false;
    }
    if (fork.parent != kNoFork) {
      const auto parent = forks_.find(fork.parent);
      if (parent == forks_.end() || !reader.Read(fork.before) || fork.before.touched == nullptr) {
        return false;
      }
      ++parent->second.children;
    }
    if (!reader.Read(fork.frame) || !GetFlag(reader.bytes(), fork.begins)) return false;
    last_id_ = id;
    forks_.emplace(id, std::move(fork));
  }
  return true;
}

bool Subtrees::LoadParts(FrameReader& reader) {
  std::uint32_t count = 0;
  if (!Get(reader.bytes(), count) || count > reader.bytes().size()) return false;
  parts_.assign(count, {});
  for (Part& part : parts_) {
    if (!Read(reader, part)) return false;
    if (part.is_over || part.fork == kNoFork) continue;
    const auto fork = forks_.find(part.fork);
    if (fork == forks_.end()) return false;
    ++fork->second.children;
  }
  return true;
}

bool Subtrees::Load(FrameReader& reader) { return LoadForks(reader) && LoadParts(reader); }

}  // namespace shootdown::explore
