// Which CPUs use which words of guest memory, as far as a search has seen: so that it need not try
// at which moment a store reaches memory that nobody but the storing CPU ever looks at.
//
// That nobody does is known only when all is explored. Until then it is relied on; and where
// another CPU turns out to use such a word after all, the search begins anew, and knows better. So
// in the end nothing was relied on in vain.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_WORD_USERS_H_
#define SHOOTDOWN_FUZZ_EXPLORE_WORD_USERS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/explore/process_scheduler.h"
#include "fuzz/sim/machine.h"

namespace shootdown::explore {

// A mistake that is made on purpose, so that tests can show that they would notice.
enum class UseLeftOut : std::uint8_t {
  kNothing,
  kLooks,           // who looks at a word without a step does not use it
  kSteps,           // nor does who loads it
  kContradictions,  // the search goes on with what it has relied on in vain
  // Of LingeringStores:
  kDrains,   // a store that reaches memory does not use its word
  kOrder,    // when any store leaves, what its CPU stored before could be waiting no more
  kMeetings,  // what could be waiting is no part of a state
};

class WordUsers {
 public:
  explicit WordUsers(const sim::Machine& machine, UseLeftOut left_out = UseLeftOut::kNothing);

  // From the machine's next run on, or no more.
  void Watch(sim::Machine& machine, bool on);
  // A run begins: at its start, or where its log has so many rows, which are in here.
  void BeginAt(std::size_t rows) { rows_ = rows; }
  // The rows of the log since then use words.
  void Absorb(const sim::Machine& machine);

  // Nobody but `cpu`, which is about to store to `word` or has, is known to use it. That is relied
  // on from now on.
  [[nodiscard]] bool RelyOnOnly(int cpu, sim::WordIndex word);
  [[nodiscard]] bool IsReliedOn(int cpu, sim::WordIndex word) const {
    return relied_on_by_[word] == cpu;
  }
  // Who has looked at it without a step since this was asked last: a bit each.
  [[nodiscard]] std::uint64_t TakeLooks(sim::WordIndex word) {
    const std::uint64_t looks = looks_[word];
    if (looks == 0) return 0;
    cpus_[word] |= looks;
    looks_[word] = 0;
    return looks;
  }
  // Something was relied on in vain.
  [[nodiscard]] bool Contradicted() const;
  // A search begins anew: nothing is relied on yet, but what was seen stays known.
  void RelyOnNothing();

  // What is new since the last time, for other processes that search the same: they Learn it.
  void SaveNews(std::string& bytes);
  // Takes news from the front of `bytes`. False: there are none.
  [[nodiscard]] bool Learn(std::string_view& bytes);
  // All of it, in the same form.
  void SaveAll(std::string& bytes) const;

 private:
  struct Reliance {
    sim::WordIndex word;
    std::uint32_t cpu;
  };
  struct Use {
    std::uint64_t cpus;
    std::uint64_t word;
  };
  static void Save(const std::vector<Use>& uses, const std::vector<Reliance>& relied_on,
                   std::string& bytes);
  static constexpr std::uint8_t kNobody = 0xff;
  void Rely(Reliance reliance);
  [[nodiscard]] std::uint64_t UsersOf(sim::WordIndex word) const {
    return cpus_[word] | looks_[word];
  }

  UseLeftOut left_out_;
  std::vector<std::uint64_t> cpus_;   // by word: a bit each
  std::vector<std::uint64_t> looks_;  // those that are not in there yet
  std::vector<std::uint64_t> told_;   // of those what other processes know
  std::vector<Reliance> relied_on_;
  std::vector<std::uint8_t> relied_on_by_;  // by word: that this CPU alone uses it
  std::size_t relied_on_told_ = 0;
  std::size_t rows_ = 0;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_WORD_USERS_H_
