// Where the threads of a program can stand, and which words each may still touch from there, as far as a
// search has seen them go; and so who can get in the way of whose next step (README.md, "Steps that nobody
// gets in the way of").
#ifndef SHOOTDOWN_FUZZ_EXPLORE_THREAD_FUTURES_H_
#define SHOOTDOWN_FUZZ_EXPLORE_THREAD_FUTURES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/sim/arena.h"

namespace shootdown::explore {

class ThreadFutures {
 public:
  // Where a thread stands.
  using Stand = std::uint32_t;
  static constexpr Stand kOver = 0;  // it has come to its end

  // The stand of that key, whose next step is of that kind and on that word. Where that is no plain access
  // to a word, nor a fence, it gets in the way of all others, and they in its.
  // REQUIRES: equal keys stand for equal next steps.
  [[nodiscard]] Stand Find(std::uint64_t key, sim::StepKind kind, sim::WordIndex word);
  // A step has led from `before` to `after`.
  void Follows(Stand before, Stand after);
  [[nodiscard]] bool Has(Stand stand) const { return stand < nodes_.size(); }

  // `set`, and all that can get in the way of one of these: of each that is in there, those who may still
  // touch what its next step touches. `stands` has one for each CPU.
  [[nodiscard]] ProcessSet Close(ProcessSet set, std::span<const Stand> stands) const;

  // Goes up whenever more turns out to be touched from some stand.
  [[nodiscard]] std::uint64_t news() const { return news_; }

  void Save(std::string& bytes) const;
  // Takes what was saved from the front of `bytes`. False: it is not there.
  [[nodiscard]] bool Load(std::string_view& bytes);

 private:
  // A bit for each word; where there are more words than bits, some have one in common.
  struct Touched {
    std::uint64_t read = 0;
    std::uint64_t written = 0;
    bool operator==(const Touched&) const = default;
    [[nodiscard]] bool Conflicts(const Touched& other) const {
      return ((read & other.written) | (written & (other.read | other.written))) != 0;
    }
  };
  struct Node {
    std::uint64_t key = 0;
    Touched next;    // by the step that is taken there
    Touched future;  // by that one, and by all that may come after it
  };
  struct Way {
    Stand before;
    Stand after;
  };

  [[nodiscard]] Touched TouchedBy(sim::StepKind kind, sim::WordIndex word);
  void WidenFuture(Stand stand, const Touched& by);

  // By stand; kOver's touches nothing.
  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<std::vector<Stand>> before_ = std::vector<std::vector<Stand>>(1);
  std::vector<Stand> last_after_ = std::vector<Stand>(1, kOver);  // that was not the one before it
  std::vector<Way> ways_;                                         // all steps
  absl::flat_hash_map<std::uint64_t, Stand> by_key_;
  std::vector<sim::WordIndex> words_;  // in the order of their bits
  std::uint64_t news_ = 0;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_THREAD_FUTURES_H_
