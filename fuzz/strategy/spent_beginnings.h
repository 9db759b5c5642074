// Beginnings of runs after which nothing new can come: whoever draws runs need not draw these
// again. In a small program most draws would else repeat earlier ones.
//
// A beginning is a Mazurkiewicz trace: what has happened so far, up to the order of steps that do
// not conflict. It is spent once a run has ended with it, or when, whoever goes on, what begins so
// is spent. A run marks what it spent from its end backwards; that costs runs with few choices
// little, and of others only the last steps are ever spent, so a search whose runs are mostly
// longer than kChoiceCountMax choices soon stops asking.
//
// What a waiting CPU does next is not known before, nor when an interrupt comes: beginnings that go
// on there are told apart by who goes on, so that some are tried twice. Nothing is spent that was
// not tried, as far as the next step of a CPU follows from the steps before it, by site and word.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_SPENT_BEGINNINGS_H_
#define SHOOTDOWN_FUZZ_STRATEGY_SPENT_BEGINNINGS_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/strategy/components.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown {

class SpentBeginnings {
 public:
  static constexpr std::size_t kChoiceCountMax = 64;
  static constexpr std::size_t kCountMax = std::size_t{1} << 18;

  SpentBeginnings();

  // A run begins. Its beginnings are those of the steps of `cpus`; what other CPUs do has nothing to do
  // with them (components.h), and makes no beginning another one. kNoCpus: the run is not like others
  // (stores linger), so it spends nothing.
  void NewRun(const CpuSet& cpus);
  [[nodiscard]] bool asks() const { return asks_; }

  // A choice among `enabled`, whose pending steps are `pending` by CPU: writes to `out` those after which
  // something is left to try, and all CPUs that do not count in this run, and returns how many they are.
  // It is all of `enabled` if less than two of them count, or if nothing is left after any that does.
  [[nodiscard]] std::size_t Left(std::span<const std::uint8_t> enabled,
                                 std::span<const PendingStep> pending, std::span<std::uint8_t> out);
  // It fell on `cpu`. If that one does not count, the choice among those that do is still to be made.
  void Chosen(int cpu);
  void Taken(int cpu, const PendingStep& step);
  void EndRun();

  // What was no choice becomes one: forgets everything.
  void Clear();

  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  struct Choice {
    std::size_t first_next = 0;  // in nexts_
    std::size_t next_count = 0;
    std::size_t chosen = 0;  // in nexts_
    std::size_t taken = 0;   // steps before it
  };
  // What has happened to a word: the last write, and what read it since.
  struct Word {
    std::uint64_t write = 0;
    std::uint64_t reads = 0;
    std::uint32_t run = 0;  // of another run: nothing
  };

  // Words share a place now and then: then steps on them count as in conflict.
  static constexpr std::size_t kWordCount = 512;

  [[nodiscard]] bool Counts(int cpu) const { return cpus_.Has(cpu); }
  void ForgetNexts(std::size_t first);  // and all behind it
  [[nodiscard]] std::uint64_t EventOf(int cpu, const PendingStep& step) const;
  [[nodiscard]] std::size_t SlotOf(std::uint64_t beginning) const {
    return beginning & (slots_.size() - 1);
  }
  [[nodiscard]] bool Spent(std::uint64_t beginning) const;
  void Spend(std::uint64_t beginning);
  void Grow();

  bool asks_ = true;
  bool choosing_ = false;  // the last of choices_ has not fallen
  CpuSet cpus_ = kAllCpus;
  std::uint32_t run_ = 0;
  std::uint32_t long_run_count_ = 0;
  std::uint64_t beginning_ = 0;                     // the sum of its events
  std::array<std::uint64_t, kCpuCountMax> last_{};  // event of each CPU
  std::array<Word, kWordCount> words_{};
  std::vector<std::uint64_t> begun_;  // the beginning after each step of this run
  std::vector<Choice> choices_;
  std::vector<std::uint64_t> nexts_;     // beginnings that the choices were among
  std::vector<std::uint8_t> next_cpus_;  // who makes each
  std::vector<std::uint64_t> slots_;     // spent ones, a power of two of slots; 0: free
  std::size_t count_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_SPENT_BEGINNINGS_H_
