// Which words more than one CPU has a hand in, as far as the runs have shown: accessed by two CPUs and
// written by one of them, or written when that let a waiting CPU go on. A step on any other word is
// invisible: in which order it comes among the steps of other CPUs makes no difference.
//
// What is seen is never forgotten, so a word that is shared in rare runs only stays visible once such a
// run has happened.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_SHARED_WORDS_H_
#define SHOOTDOWN_FUZZ_STRATEGY_SHARED_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/sim/log.h"

namespace shootdown {

class SharedWords {
 public:
  SharedWords();

  // `cpu` takes a step on `word`.
  void Note(int cpu, sim::WordIndex word, sim::StepKind kind);
  void NoteShared(sim::WordIndex word) {
    count_ += words_[word].shared ? 0 : 1;
    words_[word].shared = true;
  }
  [[nodiscard]] bool Shared(sim::WordIndex word) const { return words_[word].shared; }
  // How many words are shared.
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  struct Word {
    std::uint8_t accessed_by = 0;  // 1 + the first CPU; kMany: two at least
    bool written = false;
    bool shared = false;
  };
  static constexpr std::uint8_t kMany = 0xff;
  std::vector<Word> words_;
  std::size_t count_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_SHARED_WORDS_H_
