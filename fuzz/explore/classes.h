// Two runs are of one class if each load reads from the same store in both, and the stores to each word
// come in the same order: then no thread can tell them apart.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_CLASSES_H_
#define SHOOTDOWN_FUZZ_EXPLORE_CLASSES_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/sim/log.h"
#include "fuzz/sim/machine.h"

namespace shootdown::explore {

struct ClassHash {
  std::uint64_t reads_from = 0;
  std::uint64_t both = 0;  // with coherence, and how far each CPU came
};

// Hashes of 64 bits: two classes in a billion are taken for one with a chance of one in forty.
class Classes {
 public:
  // Of a run's log. A store that never reached memory is not ordered after any other. Costs little for rows
  // that the run before began with too, and nothing for those that it went on from: so each run since the
  // last one of which it was asked has to be said, that one's own included.
  [[nodiscard]] ClassHash Of(const sim::Machine& machine);
  void NoteRun(const sim::Machine& machine) {
    same_rows_ = std::min<std::size_t>(same_rows_, machine.first_row());
  }

  // Returns whether it is a new one.
  bool Add(const ClassHash& hash) {
    if (!all_.insert(hash.both).second) return false;
    reads_from_.insert(hash.reads_from);
    return true;
  }
  [[nodiscard]] std::uint64_t count() const { return all_.size(); }
  [[nodiscard]] std::uint64_t reads_from_count() const { return reads_from_.size(); }

  // Those that were added, as bytes; and takes such bytes from the front, and adds them. False: none are there.
  void Save(std::string& bytes) const;
  [[nodiscard]] bool Join(std::string_view& bytes);

 private:
  // A row of the last run, and what was so before it.
  struct Seen {
    sim::LogEntry entry;
    std::uint64_t reads_from_sum;
    std::uint64_t coherence_sum;
    std::uint32_t* last;  // that the row changed; null: none
    std::uint32_t before;
  };
  [[nodiscard]] std::size_t RowsInCommon(std::span<const sim::LogEntry> log) const;
  void GoBackTo(std::size_t row_count);
  void AddRow(std::span<const sim::LogEntry> log, Seen& row);
  void Read(const sim::LogEntry& entry, std::uint32_t writer);
  static void Set(std::uint32_t& last, std::uint32_t name, Seen& row);
  void Write(std::uint32_t name, Seen& row);

  absl::flat_hash_set<std::uint64_t> all_;
  absl::flat_hash_set<std::uint64_t> reads_from_;
  std::vector<Seen> rows_;
  std::size_t row_count_ = 0;
  std::size_t same_rows_ = 0;  // of the last run, which no run since then has made anew
  std::uint64_t reads_from_sum_ = 0;
  std::uint64_t coherence_sum_ = 0;
  std::array<std::uint32_t, kProcessCountMax> steps_{};
  // Names of last writes; 0: the value that the run began with.
  std::vector<std::uint32_t> memory_;  // by word
  std::vector<std::uint32_t> own_;     // by CPU and word: the CPU's youngest store
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_CLASSES_H_
