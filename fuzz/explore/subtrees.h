// What FootprintDpor has still to try, in parts that can be searched apart: at different times, and by different
// processes.
//
// Runs make a tree. A part is the subtree behind one step from a state, and is known by its stack: the states along
// the run that is made next, with what is left to be tried at each. What is tried within a part depends on nothing
// that others find, since who sleeps at its beginning is known then. But a race within it may ask for another step
// to be tried at a state before its beginning. Such a state is a fork: it stands here, with the steps that are tried
// from it, each a part of its own, and what is asked for is told to it. The order in which it is asked makes no
// difference to what is explored in all (README.md).
#ifndef SHOOTDOWN_FUZZ_EXPLORE_SUBTREES_H_
#define SHOOTDOWN_FUZZ_EXPLORE_SUBTREES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "fuzz/explore/footprint_frame.h"

namespace shootdown::explore {

class Subtrees {
 public:
  using ForkId = std::uint32_t;
  static constexpr ForkId kNoFork = 0;

  struct Part {
    ForkId fork = kNoFork;  // it begins with a step from there; kNoFork: it is the whole tree
    bool is_new = true;     // what its first step touches has not been told to the fork
    bool is_over = false;
    // That of the fork with this step, if there is one; then those behind it, which are the part's own. The last
    // one's step is to be taken next.
    std::vector<FootprintFrame> frames;

    [[nodiscard]] std::size_t own_begin() const { return fork == kNoFork ? 0 : 1; }
  };
  // Of what a part asks for, at the state that so many choices lead to: that one of `initials` is tried,
  // rather `process`.
  struct Wish {
    std::uint32_t depth;
    Process process;
    ProcessSet initials;
    [[nodiscard]] bool operator==(const Wish&) const = default;
  };

  Subtrees() : parts_(1) {}

  [[nodiscard]] std::size_t part_count() const { return parts_.size(); }
  [[nodiscard]] Part& part(std::size_t n) { return parts_[n]; }
  [[nodiscard]] const Part& part(std::size_t n) const { return parts_[n]; }
  // From the tree's root to the first state that is the part's own. Forks have been asked for what they have by now.
  [[nodiscard]] std::vector<FootprintFrame> FramesBefore(const Part& part) const;

  // What a part asks for, in the order in which it does.
  void Tell(const Part& part, std::span<const Wish> wishes);
  // The part was searched, and what is left of it stands in its frames; or nothing is.
  void Searched(Part& part, bool is_over);
  // Drops parts that are over, and makes up to so many of what is left. False: nothing is left to be tried.
  [[nodiscard]] bool Divide(std::size_t part_count_max);

  // Steps that are known to be tried, and are not.
  [[nodiscard]] std::uint64_t branch_count() const;

  static void Write(FrameWriter& writer, const Part& part);
  // False: there is none.
  [[nodiscard]] static bool Read(FrameReader& reader, Part& part);
  void Save(FrameWriter& writer) const;
  [[nodiscard]] bool Load(FrameReader& reader);

 private:
  struct Fork {
    ForkId parent = kNoFork;
    FootprintFrame before;  // that of the parent, with the step that leads here
    FootprintFrame frame;   // with the step that was tried last
    bool begins = false;    // what that one touches is not known yet, so no other is tried
    int children = 0;       // forks and parts behind it
  };
  [[nodiscard]] static bool CanGoOn(const Fork& fork) {
    return !fork.begins && fork.frame.HasNext();
  }
  [[nodiscard]] std::vector<ForkId> PathTo(ForkId id) const;
  void TryNext(ForkId id);
  void Split(std::size_t n);
  void DropIfOver(ForkId id);
  [[nodiscard]] bool LoadForks(FrameReader& reader);
  [[nodiscard]] bool LoadParts(FrameReader& reader);

  std::vector<Part> parts_;
  std::map<ForkId, Fork> forks_;
  ForkId last_id_ = kNoFork;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_SUBTREES_H_
