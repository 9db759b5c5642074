// Stores that nobody else looks at while they may still wait in a store buffer, though others use
// their words at other times: most stores under a lock are such. So a search need not try at which
// moment they reach memory. Under TSO, whose buffers keep their order.
//
// In a run such a store leaves as soon as it can. Here stands what could be waiting still: all that
// a CPU has stored since it last emptied its buffer, and since a store left of which each moment is
// tried. If somebody else uses the word of one of these, or looks at memory there, each moment of
// that store has to be tried as well. That nobody does is taken for granted until it is seen
// (README.md says why nothing is lost).
#ifndef SHOOTDOWN_FUZZ_EXPLORE_LINGERING_STORES_H_
#define SHOOTDOWN_FUZZ_EXPLORE_LINGERING_STORES_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/explore/word_users.h"
#include "fuzz/sim/machine.h"

namespace shootdown::explore {

class LingeringStores {
 public:
  static constexpr int kEntriesMax = 16;  // of a buffer
  struct Entry {
    enum class State : std::uint8_t {
      kOwn,    // has left, and nobody else ever uses its word (WordUsers)
      kEarly,  // has left, and nobody else is to use its word as long as it stands here
      kWaits,  // in the buffer
    };
    sim::WordIndex word = sim::kNoWord;
    std::uint32_t site = 0;
    State state = State::kWaits;
  };
  // The oldest first. Those that wait come last; the first one is never kOwn.
  struct Buffer {
    std::array<Entry, kEntriesMax> entries;
    std::uint8_t count = 0;
    [[nodiscard]] std::span<const Entry> all() const { return std::span(entries).first(count); }
  };
  // Where a run stands.
  struct Standing {
    std::vector<Buffer> buffers;  // by CPU
    bool mistaken = false;        // it was seen in it: what comes after that shows nothing
  };

  LingeringStores(const sim::Machine& machine, WordUsers& users, UseLeftOut left_out);

  // A run begins: at its start, or where its log has so many rows, which are in `standing`.
  void BeginRun();
  void BeginAt(std::size_t rows, const Standing& standing);
  [[nodiscard]] const Standing& standing() const { return standing_; }

  // The rows of the log since the last call, and whoever looked at memory since: after all of them.
  void Absorb(const sim::Machine& machine);
  // A choice was made. Whoever looked at memory until now did so before the step that was chosen,
  // which is on `word`, or kNoWord.
  void Chosen(sim::WordIndex word);
  // Nobody can go on, so all has left.
  void NothingWaits();

  // CPU `cpu` is about to store, or what stands first in its buffer is about to leave: so far
  // nobody was seen who could tell at which moment.
  [[nodiscard]] bool Unseen(std::uint32_t site, sim::WordIndex word) const;
  [[nodiscard]] bool FirstThatWaitsIsUnseen(int cpu) const;

  // What tells two runs apart that are in the same state: who may use which words.
  template <class Add>
  void Describe(const Add& add) const {
    for (std::size_t c = 0; c < standing_.buffers.size(); ++c) DescribeBuffer(c, add);
  }

  // Something was taken for granted in vain.
  [[nodiscard]] bool Contradicted() const;
  // A search begins anew, and knows that.
  void BeginAnew();

  // As those of WordUsers.
  void SaveNews(std::string& bytes);
  [[nodiscard]] bool Learn(std::string_view& bytes);
  void SaveAll(std::string& bytes) const;

 private:
  using Store = std::uint64_t;  // as it is known by: site and word
  static Store StoreOf(std::uint32_t site, sim::WordIndex word) {
    return std::uint64_t{site} << 32 | word;
  }
  template <class Add>
  void DescribeBuffer(std::size_t cpu, const Add& add) const;
  void AbsorbRow(const sim::LogEntry& entry);
  void Drained(int cpu);
  void LookForLooks();
  void Used(std::uint64_t cpus, sim::WordIndex word);
  void Written(int cpu, sim::WordIndex word);
  void Push(Buffer& buffer, const Entry& entry) const;
  [[nodiscard]] Entry::State StateOnceLeft(int cpu, const Entry& entry) const;
  void DropFirst(Buffer& buffer, int count) const;

  WordUsers& users_;
  UseLeftOut left_out_;
  int capacity_;
  std::vector<Store> seen_;      // in order. Each moment of these is tried,
  std::vector<Store> mistaken_;  // in order; and should be of these,
  std::vector<Store> news_;      // of which other processes do not know these.
  // Of the run so far.
  Standing standing_;
  std::size_t rows_ = 0;
};

template <class Add>
void LingeringStores::DescribeBuffer(std::size_t cpu, const Add& add) const {
  const Buffer& buffer = standing_.buffers[cpu];
  const bool has_early = buffer.count != 0 && buffer.entries[0].state == Entry::State::kEarly;
  for (std::uint8_t i = 0; i < buffer.count; ++i) {
    const Entry& entry = buffer.entries[i];
    const bool waits = entry.state == Entry::State::kWaits;
    // What waits is a part of the state already, but not who stored it.
    const bool unseen = waits && Unseen(entry.site, entry.word);
    if (!has_early && !unseen) continue;
    const std::uint64_t word = entry.state == Entry::State::kEarly ? entry.word : 0;
    add(word << 24 | std::uint64_t{i} << 16 | cpu << 8 |
        static_cast<std::uint64_t>(entry.state) << 1 | (unseen ? 1 : 0));
  }
}

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_LINGERING_STORES_H_
