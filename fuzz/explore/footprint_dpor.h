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
// - Events from outside come where their CPU has a step to take, each as a step of a process of its own. All that may
//   come in a state are tried there, but those that sleep.
// - What a step touches may depend on what came before it. So what a sleeper would have done, and what a wait would
//   have looked at, is in races too once another step has changed that.
//
// Stateless, and so an independent witness for StateSearch. README.md says why nothing is lost.
//
// What is to be tried is divided into parts (subtrees.h), and each in turn is searched for a number of runs. Which
// parts these are, and for how long each is searched, depends on nothing but the tree of runs; several processes make
// shares of it, and all come to the same.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_FOOTPRINT_DPOR_H_
#define SHOOTDOWN_FUZZ_EXPLORE_FOOTPRINT_DPOR_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/explore/footprint_frame.h"
#include "fuzz/explore/memory_watch.h"
#include "fuzz/explore/places.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/explore/report.h"
#include "fuzz/explore/resumable_search.h"
#include "fuzz/explore/run_count.h"
#include "fuzz/explore/source_sets.h"
#include "fuzz/explore/subtrees.h"
#include "fuzz/sim/checkpoint.h"

namespace shootdown::explore {

// A rule that is left out, so that tests can show that they would notice.
enum class FootprintLeftOut : std::uint8_t {
  kNothing,
  kReads,        // to read a word is not to touch it
  kInterrupts,   // nobody looks for interrupts before a step
  kWaits,        // a wait that is not over is in no race
  kWakeUps,      // a process never wakes from a sleep set
  kAtOnce,       // every store is held
  kWishes,       // what a part asks for before its beginning is not told
  kUndoneSteps,  // what a sleeper would have done is in no race once it is woken
  kUndoneLooks,  // what a wait would have looked at is in no race once that was written
  kLastSteps,    // an event and the step after which it could not come any more may change places
};

struct FootprintOptions : ResumableOptions {
  // Events from outside in a run, at most: before any step of a CPU that has one to take, all kinds that the machine
  // and its guest have, each with all that it can be (StateOptions::events says which delays).
  std::uint32_t events = 0;
  FootprintLeftOut left_out = FootprintLeftOut::kNothing;
};

class FootprintDpor final : public ProcessScheduler, public ResumableSearch {
 public:
  // REQUIRES: sim::GuestCodeIsWatched(), for all of the subject's code.
  FootprintDpor(sim::Subject& subject, FootprintOptions options);

  // With go_on, too, it ends at a violation that is seen before its run ends: what others would have done is
  // not known then. StoppedBy::kRefused: under PSO and RMO, and with more than kProcessCountMax processes, which
  // ProcessCount says, and one more for each CPU with events.
  [[nodiscard]] Report Explore() override;

  [[nodiscard]] std::uint64_t run_count() const override { return count_.run_count(); }
  [[nodiscard]] std::uint64_t branch_count() const override;

  // REQUIRES: no go_on.
  void Save(std::string& bytes) const override;
  [[nodiscard]] bool Load(std::string_view bytes) override;

 protected:
  void NewRun() override;
  [[nodiscard]] Process Choose() override;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;

 private:
  template <class Run>
  friend ProcessSet InitialsAfter(const Run& run, std::int32_t first, std::int32_t end, Process p);
  using Frame = FootprintFrame;
  using Part = Subtrees::Part;
  static constexpr std::int32_t kNone = Frame::kNone;
  // Runs of a part in a round, at least. The first of them begins at the tree's root, not where the one before it
  // left off; but a search of few runs should soon have parts for all.
  static constexpr std::uint64_t kRunsOfPartMin = 32;

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
  [[nodiscard]] const Frame::Clock& ClockOf(std::int32_t frame) const {
    return frames_[static_cast<std::size_t>(frame)].clock;
  }
  // The CPU whose step it is, or to which the event comes; kNobody: a buffer's.
  [[nodiscard]] Process CpuOfStep(const Frame& frame) const {
    if (frame.event) return frame.event->cpu;
    return IsBuffer(frame.process) ? kNobody : frame.process;
  }
  [[nodiscard]] ProcessSet EventProcesses() const {
    return options_.events == 0 ? 0 : ~ProcessSet{0} << first_event_process_;
  }
  [[nodiscard]] bool HappensBefore(std::int32_t i, std::int32_t j) const {
    const Frame& f = frames_[static_cast<std::size_t>(i)];
    return ClockOf(j)[static_cast<std::size_t>(f.process)] >= f.nth;
  }
  [[nodiscard]] bool KnownBefore(std::int32_t frame) const {
    const Frame& f = frames_[static_cast<std::size_t>(frame)];
    return now_[static_cast<std::size_t>(f.process)] >= f.nth;
  }

  [[nodiscard]] Process FirstChoice(const Frame& frame) const;
  [[nodiscard]] Process Take(const Frame& frame);
  [[nodiscard]] Process WaitForDeferred();
  void OpenFrame();
  void InheritSleepers(Frame& frame, const Frame& before) const;
  void ListEvents(Frame& frame);
  void LookAtWaits(Frame& frame, const Frame* before);
  [[nodiscard]] Touched LookOf(int cpu);
  void BeginStep(Frame& frame);
  void BeginEvent(const OutsideEvent& event);
  void EndStep();
  void LookAtStore(Frame& frame);
  void Record(std::size_t depth);
  void RecordUndone(Frame& frame) const;

  void ClockBefore(Process p);  // into now_
  void Join(std::int32_t frame);
  void JoinLast(Process p);
  void JoinOfBuffer(Frame& frame);
  void FindRaces(Process p, const Footprint& touched, bool ends_wait, std::int32_t end);
  void FindRacesOfUndone(Process p, const Footprint& touched, std::int32_t end);
  void TryBefore(std::int32_t first, Process p, std::int32_t end);
  [[nodiscard]] bool BeginsWithEvent(std::int32_t first, ProcessSet initials, std::int32_t end) const;
  [[nodiscard]] bool MightEndWithout(std::int32_t first, Process p, std::int32_t end) const;

  [[nodiscard]] bool KeepsPlace() const;
  void KeepPlace();
  void ResumeFromPlace();
  void Undo(const Frame& frame);
  [[nodiscard]] bool Backtrack();

  // How a part stands when it has been searched for a while.
  enum class End : std::uint8_t {
    kSpent,  // there is more
    kOver,
    kStopped,    // by a limit of the whole search
    kViolation,  // and that ends the search
  };
  void TakeUp(const Part& part);
  void PutDown(Part& part) const;
  void TellWishes(const Part& part);
  [[nodiscard]] End Search(const Part& part, RunCount& count);
  [[nodiscard]] const sim::Violation* MakeRun(RunCount& count);
  [[nodiscard]] bool BeginRound();
  [[nodiscard]] bool SearchNext();
  [[nodiscard]] bool SearchTogether();
  [[nodiscard]] bool Join(Part& part, std::string_view& bytes);
  void SaveShare(std::string& bytes);

  sim::Subject& subject_;
  FootprintOptions options_;
  MemoryWatch watch_;
  Process first_event_process_;  // that of CPU 0; those below take steps
  std::size_t process_count_;    // all
  std::size_t buffer_entries_;
  RunCount count_;

  Subtrees subtrees_;
  std::size_t part_ = 0;    // the next one to be searched in this round
  std::uint64_t made_ = 0;  // runs of it, in this round
  std::uint64_t made_max_ = kRunsOfPartMin;  // of each part in this round
  bool in_part_ = false;    // the stack below is that of part_

  // The stack of the part that is searched.
  std::vector<Frame> frames_;
  std::size_t frame_count_ = 0;
  std::size_t root_ = 0;  // frames below are not the part's own
  std::vector<Subtrees::Wish> wishes_;
  Frame::Clock now_{};
  std::array<std::int32_t, kProcessCountMax> last_of_process_;
  std::vector<Access> accesses_;              // of all frames' steps that are over
  std::vector<std::int32_t> last_on_word_;    // accesses
  std::array<std::vector<std::int32_t>, kCpuCountMax> held_stores_;  // frames
  std::vector<std::int32_t> in_conflict_;     // frames; only while races are looked for
  std::vector<std::int32_t> with_undone_;     // frames
  Places<Place> places_;
  std::size_t depth_ = 0;
  std::size_t replayed_ = 0;  // frames below are only followed
  std::size_t first_row_ = 0;  // of the step that is taken
  bool in_step_ = false;      // of frame depth_ - 1, which is new
  bool had_step_ = false;     // its CPU, before it
  bool deferred_came_ = false;  // interrupts that were, since the last step
  bool gave_up_ = false;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_FOOTPRINT_DPOR_H_
