// One word whose accesses a run interleaves uniformly, whatever decides about everything else. What makes
// SURW (fuzz/strategy/surw.h).
//
// A CPU is *intended* to make the next access to the word, drawn with a chance in proportion to the
// accesses that each has left. Any other CPU that comes to such an access is to wait there, until the
// intended one has made its own, or until nobody else can run.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_CHOSEN_WORD_H_
#define SHOOTDOWN_FUZZ_STRATEGY_CHOSEN_WORD_H_

#include <array>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/strategy/components.h"
#include "fuzz/strategy/shared_words.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown {

class ChosenWord {
 public:
  ChosenWord();

  // A run begins. A word is drawn for it, with a chance in proportion to its accesses in the runs so far,
  // among words that two CPUs accessed, one of `cpus` among them, and one wrote. kNoWord if there is no
  // such word, as with kNoCpus.
  void NewRun(const CpuSet& cpus, Prng& prng);
  void Taken(int cpu, const PendingStep& step, Prng& prng);

  [[nodiscard]] sim::WordIndex word() const { return word_; }
  [[nodiscard]] bool Waits(int cpu, const PendingStep& step) const {
    return word_ != sim::kNoWord && cpu != intended_ && step.word == word_;
  }

 private:
  struct Accesses {
    sim::WordIndex word = sim::kNoWord;
    std::uint64_t count = 0;                           // in all runs so far
    CpuSet cpus = {};                                  // those with any
    std::array<std::uint32_t, kCpuCountMax> by_cpu{};  // how many of them are whose
  };
  static constexpr int kNobody = -1;

  void DrawWord(const CpuSet& cpus, Prng& prng);
  void DrawIntended(Prng& prng);

  SharedWords shared_;
  std::vector<Accesses> accesses_;     // in the order in which words were first accessed
  std::vector<std::uint32_t> number_;  // by WordIndex: 1 + the place in accesses_; 0: none
  std::uint64_t run_count_ = 0;
  sim::WordIndex word_ = sim::kNoWord;
  int intended_ = kNobody;
  std::size_t cpu_end_ = 0;  // CPUs that ever accessed a word are below
  std::array<std::uint32_t, kCpuCountMax> left_{};  // accesses to the word, as far as earlier runs tell
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_CHOSEN_WORD_H_
