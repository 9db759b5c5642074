// Where the runs of a search stood that tries next what the last one has left: a stack of
// checkpoints along the last run, each kept on the one before it (fuzz/sim/checkpoint.h). The next
// run goes on from the last one that it comes through too.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_PLACES_H_
#define SHOOTDOWN_FUZZ_EXPLORE_PLACES_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "fuzz/sim/checkpoint.h"

namespace shootdown::explore {

// REQUIRES: Place has a member `depth`, the number of choices before it, and the machine's
// checkpoint as `machine`.
template <class Place>
class Places {
 public:
  [[nodiscard]] bool empty() const { return count_ == 0; }
  // REQUIRES: not empty(), as for all that ask for one.
  [[nodiscard]] const Place& last() const { return *places_[count_ - 1]; }
  // Of the last one; 0 if there is none.
  [[nodiscard]] std::size_t depth() const { return empty() ? 0 : last().depth; }

  // Another one, with what a place that was dropped has left in it: the caller writes all of it.
  [[nodiscard]] Place& Push() {
    if (count_ == places_.size()) places_.push_back(std::make_unique<Place>());
    return *places_[count_++];
  }
  // What the last one's checkpoint is kept on; null if it is the first.
  [[nodiscard]] const sim::Machine::Checkpoint* BeforeLast() const {
    return count_ < 2 ? nullptr : &places_[count_ - 2]->machine;
  }
  // Drops those at `depth` and behind it.
  void DropFrom(std::size_t depth) {
    while (!empty() && last().depth >= depth) --count_;
  }
  void Clear() { count_ = 0; }

 private:
  std::vector<std::unique_ptr<Place>> places_;  // by depth; those behind count_ are spare
  std::size_t count_ = 0;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_PLACES_H_
