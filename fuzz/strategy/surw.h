// SURW: selectively uniform random walk. Each run singles out one word; its accesses are interleaved
// uniformly, as URW would (fuzz/strategy/urw.h), and everything else by random priorities of steps.
//
// A CPU is *intended* to make the next access to the word, drawn with a chance in proportion to the
// accesses that each has left. Any other CPU that comes to such an access waits there, until the
// intended one has made its own, or until nobody else can run.
//
// Source: Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS 2025. A
// word is drawn with a chance in proportion to its accesses in the runs so far, among words that two
// CPUs accessed and one wrote. The first run has none, and goes by random priorities alone.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_SURW_H_
#define SHOOTDOWN_FUZZ_STRATEGY_SURW_H_

#include <optional>
#include <vector>

#include "fuzz/strategy/event_priorities.h"
#include "fuzz/strategy/shared_words.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown {

class Surw : public StepChooser {
 public:
  explicit Surw(std::uint64_t seed);

  // The word of this run, or kNoWord.
  [[nodiscard]] sim::WordIndex interesting() const { return interesting_; }

 protected:
  void NewRun(const sim::Machine& machine) override;
  void Arrived(int cpu) override { priorities_.Draw(cpu); }
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current) override;
  void Taken(int cpu) override;

 private:
  struct Word {
    sim::WordIndex word = sim::kNoWord;
    std::array<std::uint32_t, kCpuCountMax> accesses{};  // in all runs so far
    std::uint64_t access_count = 0;                      // their sum
  };
  static constexpr int kNobody = -1;

  void DrawInteresting();
  void DrawIntended();
  [[nodiscard]] bool Waits(int cpu) const {
    return cpu != intended_ && interesting_ != sim::kNoWord && pending(cpu).word == interesting_;
  }

  EventPriorities priorities_;
  SharedWords shared_;
  std::vector<Word> words_;            // in the order in which they were first accessed
  std::vector<std::uint32_t> number_;  // by WordIndex: 1 + the place in words_; 0: none
  std::uint64_t run_count_ = 0;
  sim::WordIndex interesting_ = sim::kNoWord;
  int intended_ = kNobody;
  std::array<std::uint32_t, kCpuCountMax> left_{};  // accesses to the interesting word
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_SURW_H_
