// Systematic search with partial-order reduction, for programs: source-DPOR with sleep sets (Abdulla,
// Aronis, Jonsson, Sagonas, "Optimal dynamic partial order reduction", POPL 2014). Stateless: what was
// met before is not remembered. But a run goes on from a checkpoint of the part that it has in common with
// the one before it.
//
// Two steps are dependent if they touch the same word and one writes it. Under TSO and PSO it is the drain
// that writes, not the store; a load served by the CPU's own buffer is dependent on that buffer's drains of
// the word, and on nothing else. A step that needs an empty buffer, or some stores out of it (a membar says
// so), comes after those drains; a store that found the buffer full after the drain that made room.
//
// AWAIT and LOCK cannot happen before their word is ready. Such a step is in a race with each earlier write
// of the word before which it would have been ready (not only with the last one: in between it may be
// unable to happen), and so is one that nobody ever made ready, at the end of the run.
//
// What the machine does beyond loads, stores, atomics, fences and drains (TLBs, cross calls, waits that are
// no steps) is not known here, nor is RMO, nor a full buffer under PSO: such a program is refused.
// StateSearch takes those.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_SOURCE_DPOR_H_
#define SHOOTDOWN_FUZZ_EXPLORE_SOURCE_DPOR_H_

#include <array>
#include <cstdint>
#include <vector>

#include "fuzz/explore/places.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/explore/report.h"
#include "fuzz/explore/source_sets.h"
#include "fuzz/sim/checkpoint.h"

namespace shootdown::explore {

// A rule that is left out, so that tests can show that they would notice.
enum class LeftOut : std::uint8_t {
  kNothing,
  kWriteWriteRaces,   // two writes are never in a race
  kReadWriteRaces,    // a write after a read is never in a race
  kWriteReadRaces,    // a read after a write is never in a race
  kInitials,          // the process of the second step is tried first, though it may need others before it
  kWakeUps,           // a process never wakes from a sleep set
  kSleep,             // nobody ever sleeps
  kEarlierWrites,     // an await is in a race with the last write only
  kWaitsAtTheEnd,     // an await that never happened is in no race
  kForwarding,        // a load from the own buffer is not dependent on its drain
};

struct DporOptions : Options {
  enum class Reduction : std::uint8_t {
    kSourceSets,
    // All that is enabled is tried, the lowest CPU first, then the buffers: each trace once, but many runs
    // are given up. The order matters where a failing assertion ends runs: it says how far the others are
    // by then, and so how many failing runs there are.
    kSleepSets,
  };
  Reduction reduction = Reduction::kSourceSets;
  LeftOut left_out = LeftOut::kNothing;
};

class SourceDpor final : public ProcessScheduler {
 public:
  SourceDpor(sim::Subject& subject, DporOptions options);

  // With go_on, the search is sleep sets only where a thread's own assertion ends runs early: what the
  // others would have done is not known then. StoppedBy::kRefused: the program does what this search
  // knows nothing of.
  [[nodiscard]] Report Explore();

 protected:
  void NewRun() override;
  [[nodiscard]] Process Choose() override;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;

 private:
  template <class Run>
  friend ProcessSet InitialsAfter(const Run& run, std::int32_t first, std::int32_t end, Process p);
  using Clock = std::uint16_t;
  static constexpr std::size_t kClocksTogether = 8;  // in a step of a loop that needs no branch for each
  static constexpr std::int32_t kNone = -1;

  // A state, and the step that the current run takes from it.
  struct Frame {
    ProcessSet enabled = 0;
    ProcessSet sleep = 0;
    ProcessSet backtrack = 0;
    ProcessSet done = 0;
    Process process = 0;
    sim::StepKind kind = sim::StepKind::kAction;
    bool reads = false;   // memory, not the own buffer
    bool writes = false;
    bool forwarded = false;
    bool counted = false;  // the step's races and clock are known
    sim::WordIndex word = sim::kNoWord;
    std::uint32_t nth = 0;               // of the process's steps, from 1
    std::int32_t before_of_process = kNone;  // frames
    std::int32_t before_on_word = kNone;
    std::uint64_t old_value = 0;         // writes: of the word in memory
    std::uint64_t new_value = 0;         // drains
    // Under PSO, frames of the CPU's last membars before it: those that order its later stores after its
    // earlier ones, and its later loads.
    std::int32_t store_store = kNone;
    std::int32_t store_load = kNone;
    Process way = 0;                     // stores that are held: out of the buffer
  };
  // What a process would do in the state that the run is in.
  struct Step {
    sim::StepKind kind = sim::StepKind::kAction;
    bool reads = false;
    bool writes = false;
    bool forwarded = false;
    bool empties_buffer = false;
    sim::WordIndex word = sim::kNoWord;
  };
  [[nodiscard]] Step NextOf(Process p) const;
  [[nodiscard]] bool Dependent(Process p, const Step& a, Process q, const Step& b) const;
  [[nodiscard]] static Step StepOf(const Frame& f);

  [[nodiscard]] Process Repeat();
  void OpenFrame();
  void CountStep();
  [[nodiscard]] bool IsUnknown(Process p, const Step& step) const;
  void Record(Frame& f, const Step& step);
  [[nodiscard]] ProcessSet AsleepAfter(const Frame& f, const Step& step) const;
  void ClockBefore(Process p, const Step& step);  // into now_
  void FindRaces(Process p, const Step& step, bool await);
  void FindRacesOfAwait(Process p, const Step& step, const sim::Await& await);
  void Race(std::int32_t first, Process p);
  void CopyClock(const Clock* from, Clock* to) const;
  void Join(std::int32_t frame);
  void JoinDrainsBefore(int cpu, std::int32_t membar);
  void NoteMembar(Frame& f) const;
  [[nodiscard]] std::int32_t StoreOfNextDrain(Process way) const;
  void RacesOfWaits();
  [[nodiscard]] Process ProcessOf(std::int32_t frame) const {
    return frames_[static_cast<std::size_t>(frame)].process;
  }
  [[nodiscard]] bool HappensBefore(std::int32_t i, std::int32_t j) const {
    return ClockOf(j)[frames_[static_cast<std::size_t>(i)].process] >=
           frames_[static_cast<std::size_t>(i)].nth;
  }
  [[nodiscard]] bool KnownBefore(std::int32_t frame) const {
    const Frame& f = frames_[static_cast<std::size_t>(frame)];
    return now_[static_cast<std::size_t>(f.process)] >= f.nth;
  }
  [[nodiscard]] const Clock* ClockOf(std::int32_t frame) const {
    return &clocks_[static_cast<std::size_t>(frame) * clock_stride_];
  }
  // Where the current run stood before the step of a frame.
  struct Place {
    std::size_t depth = 0;
    sim::Machine::Checkpoint machine;
    Standing standing;
  };
  [[nodiscard]] bool KeepsPlace() const;
  void KeepPlace();
  void ResumeFromPlace();

  void Undo(std::size_t frame);
  [[nodiscard]] bool Backtrack();

  sim::Subject& subject_;
  DporOptions options_;
  std::size_t clock_stride_;  // the number of processes, rounded up
  std::size_t buffer_entries_;
  std::vector<Frame> frames_;
  std::size_t frame_count_ = 0;
  std::vector<Clock> clocks_;  // clock_stride_ for each frame
  std::array<Clock, kProcessCountMax> now_{};
  std::array<std::int32_t, kProcessCountMax> last_of_process_;
  std::vector<std::int32_t> last_on_word_;
  std::array<std::vector<std::int32_t>, kProcessCountMax> stores_;  // by way out: frames of held stores
  Places<Place> places_;
  std::size_t depth_ = 0;
  std::size_t replayed_ = 0;   // frames below are counted, and only followed
  ProcessSet next_sleep_ = 0;  // of the state after the last frame
  bool gave_up_ = false;
  bool refused_ = false;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_SOURCE_DPOR_H_
