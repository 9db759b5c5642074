// Systematic search with partial-order reduction for kernels: source-DPOR with sleep sets, as SourceDpor, but
// it knows nothing of what steps mean. It sees what each step touches, all of memory by all of the code that
// runs in it (memory_watch.h), and takes two steps as dependent if one writes what the other touches. So
// whatever the machine, the kernel and its judges do is right by itself: TLBs, cross calls, handlers, waits.
//
// What a step touches is known when it is over. So races are looked for then, and who sleeps sleeps with what
// it touched when it was tried. Apart from memory these are known:
//
// - A CPU looks for interrupts before each step, if PSTATE.IE lets it take one.
// - Under TSO a drain comes after its store, and what empties the buffer, or needs room in it, after drains.
//   A load is taken for one of memory, also where the buffer serves it: it is dependent on its own drain.
//   A store whose own step looks at memory behind it (a judge, a wait) is tried as held, and as one that reaches
//   memory in that step.
// - A wait that is not over touches what its condition looked at. It is no step, but in races like one, as
//   SourceDpor's awaits are: somebody may have made it ready, and unready again, before anybody looked.
//
// Stateless, and so an independent witness for StateSearch. README.md says why nothing is lost.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_FOOTPRINT_DPOR_H_
#define SHOOTDOWN_FUZZ_EXPLORE_FOOTPRINT_DPOR_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "fuzz/explore/memory_watch.h"
#include "fuzz/explore/places.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/explore/report.h"
#include "fuzz/explore/source_sets.h"
#include "fuzz/sim/checkpoint.h"

namespace shootdown::explore {

// A rule that is left out, so that tests can show that they would notice.
enum class FootprintLeftOut : std::uint8_t {
  kNothing,
  kReads,       // to read a word is not to touch it
  kInterrupts,  // nobody looks for interrupts before a step
  kWaits,       // a wait that is not over is in no race
  kWakeUps,     // a process never wakes from a sleep set
  kAtOnce,      // every store is held
};

struct FootprintOptions : Options {
  FootprintLeftOut left_out = FootprintLeftOut::kNothing;
};

class FootprintDpor final : public ProcessScheduler {
 public:
  // REQUIRES: sim::GuestCodeIsWatched(), for all of the subject's code.
  FootprintDpor(sim::Subject& subject, FootprintOptions options);

  // With go_on, too, it ends at a violation that is seen before its run ends: what others would have done is
  // not known then. StoppedBy::kRefused: under PSO and RMO, and with more than kProcessCountMax processes.
  [[nodiscard]] Report Explore();

  // So far, for a progress line: runs, and those that are known to be made.
  [[nodiscard]] std::uint64_t run_count() const { return run_count_; }
  [[nodiscard]] std::uint64_t branch_count() const;

 protected:
  void NewRun() override;
  [[nodiscard]] Process Choose() override;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;

 private:
  template <class Run>
  friend ProcessSet InitialsAfter(const Run& run, std::int32_t first, std::int32_t end, Process p);
  using Clock = std::uint16_t;
  using Touched = std::shared_ptr<const Footprint>;
  static constexpr std::int32_t kNone = -1;

  // Who sleeps, and what its next step touches.
  struct Sleeper {
    Process process;
    Touched touched;
  };
  // A state, and the step that the current run takes from it.
  struct Frame {
    ProcessSet enabled = 0;
    ProcessSet asleep = 0;     // those that were tried from here, too
    ProcessSet backtrack = 0;
    ProcessSet waiting = 0;    // CPUs whose wait is not over
    std::vector<Touched> looks = {};  // by CPU: what its wait looked at, if that is not over
    std::vector<Sleeper> sleepers = {};
    Process process = 0;
    Touched touched = nullptr;  // null: the step is not over
    bool ends_wait = false;
    bool is_held_store = false;
    bool looks_at_store = false;  // that is held, though it could reach memory in the same step
    bool at_once = false;         // it does
    Touched touched_held = nullptr;  // when it did not
    std::uint32_t nth = 0;      // of the process's steps, from 1
    std::int32_t before_of_process = kNone;  // frames
    std::size_t access_count = 0;            // of those before it
  };
  struct Access {
    Touch touch;
    std::int32_t frame;
    std::int32_t before_on_word;  // accesses
    std::int32_t write_before;    // the last of these that writes
  };
  // Where the current run stood before the step of a frame.
  struct Place {
    std::size_t depth = 0;
    sim::Machine::Checkpoint machine;
    Standing standing;
  };

  [[nodiscard]] Process ProcessOf(std::int32_t frame) const {
    return frames_[static_cast<std::size_t>(frame)].process;
  }
  [[nodiscard]] const Clock* ClockOf(std::int32_t frame) const {
    return &clocks_[static_cast<std::size_t>(frame) * process_count_];
  }
  [[nodiscard]] bool HappensBefore(std::int32_t i, std::int32_t j) const {
    const Frame& f = frames_[static_cast<std::size_t>(i)];
    return ClockOf(j)[f.process] >= f.nth;
  }
  [[nodiscard]] bool KnownBefore(std::int32_t frame) const {
    const Frame& f = frames_[static_cast<std::size_t>(frame)];
    return now_[static_cast<std::size_t>(f.process)] >= f.nth;
  }

  [[nodiscard]] Process FirstChoice(const Frame& frame) const;
  [[nodiscard]] Process Take(const Frame& frame);
  void OpenFrame();
  void InheritSleepers(Frame& frame, const Frame& before) const;
  void LookAtWaits(Frame& frame, const Frame* before);
  [[nodiscard]] Touched LookOf(int cpu);
  void BeginStep(Process p);
  void EndStep();
  void LookAtStore(Frame& frame);
  void Record(Frame& frame);

  void ClockBefore(Process p);  // into now_
  void Join(std::int32_t frame);
  void JoinLast(Process p);
  void JoinOfBuffer(Frame& frame);
  void FindRaces(Process p, const Footprint& touched, bool ends_wait, std::int32_t end);
  [[nodiscard]] bool MightEndWithout(std::int32_t first, Process p, std::int32_t end) const;

  [[nodiscard]] bool KeepsPlace() const;
  void KeepPlace();
  void ResumeFromPlace();
  void Undo(const Frame& frame);
  void SendToSleep(Frame& frame) const;
  [[nodiscard]] bool Backtrack();

  sim::Subject& subject_;
  FootprintOptions options_;
  MemoryWatch watch_;
  std::size_t process_count_;
  std::size_t buffer_entries_;
  std::vector<Frame> frames_;
  std::size_t frame_count_ = 0;
  std::vector<Clock> clocks_;  // process_count_ for each frame
  std::array<Clock, kProcessCountMax> now_{};
  std::array<std::int32_t, kProcessCountMax> last_of_process_;
  std::vector<Access> accesses_;              // of all frames' steps that are over
  std::vector<std::int32_t> last_on_word_;    // accesses
  std::array<std::vector<std::int32_t>, kCpuCountMax> held_stores_;  // frames
  std::vector<std::int32_t> in_conflict_;     // frames; only while races are looked for
  Places<Place> places_;
  std::size_t depth_ = 0;
  std::size_t replayed_ = 0;  // frames below are only followed
  std::size_t first_row_ = 0;  // of the step that is taken
  std::uint64_t run_count_ = 0;
  bool in_step_ = false;      // of frame depth_ - 1, which is new
  bool gave_up_ = false;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_FOOTPRINT_DPOR_H_
