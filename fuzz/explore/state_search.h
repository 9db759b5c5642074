// Systematic search over states, for programs and for kernel scenarios: what was reached before, by
// whatever order of steps, is not explored again. It knows nothing of what steps mean, and leaves
// nothing out but moments of drains that nobody can see (fuzz/explore/word_users.h,
// lingering_stores.h). So it is an independent witness for SourceDpor, and right for all that the
// machine does. For programs, if the caller wants that, it also tries one order only of steps that
// touch nothing in common (`sleep_sets`), and of who can go on tries some alone where that is enough
// (`persistent_sets`).
//
// What is near the default order comes first: runs are tried by their departures from it, whether
// or not these are bounded. So a violation is found with few of them.
//
// What a state is: fuzz/explore/state_key.h.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_STATE_SEARCH_H_
#define SHOOTDOWN_FUZZ_EXPLORE_STATE_SEARCH_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/explore/lingering_stores.h"
#include "fuzz/explore/places.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/explore/report.h"
#include "fuzz/explore/resumable_search.h"
#include "fuzz/explore/run_count.h"
#include "fuzz/explore/state_graph.h"
#include "fuzz/explore/state_key.h"
#include "fuzz/explore/thread_futures.h"
#include "fuzz/explore/word_users.h"
#include "fuzz/sim/checkpoint.h"

namespace shootdown::explore {

// A rule of sleep sets, or of persistent sets, that is left out, so that tests can show that they would
// notice.
enum class SleepLeftOut : std::uint8_t {
  kNothing,
  kWakeUps,   // who sleeps goes on sleeping, whatever is done
  kMeetings,  // of a state that is met again all is known
  kLater,     // only the next step of another gets in the way
  kNews,      // what threads turn out to touch later changes nothing where some were tried alone
};

// What is `reached` is the most that any of the schedules makes of it: every state is met that a schedule comes to,
// and every choice in it is made in some run, be it one that is given up right after; what a CPU does with the step
// that it takes there follows from the state, so what is reached is reached in that run.
struct StateOptions : ResumableOptions {
  static constexpr std::uint32_t kEventCountMax = StateGraph::kEventCountMax;
  static constexpr std::uint32_t kCostMax = StateGraph::kCostMax;
  // At most one of the three, each at most kCostMax; without, nothing is bounded. What the first
  // two count: Bound in fuzz/explore/enumerate.h. Departures are preemptions, events, and stores
  // that do not reach memory at once, though none waits before them: all together. With
  // `drains_unseen` they are counted where what nobody looks at has left (README.md says which
  // schedules have more of them so).
  std::optional<std::uint32_t> preemptions = std::nullopt;
  std::optional<std::uint32_t> delays = std::nullopt;
  std::optional<std::uint32_t> departures = std::nullopt;
  // Events from outside in a run, at most; at most kEventCountMax. Where the machine and its guest
  // have them: before any step a reschedule interrupt, a non-maskable one, and a walk that hardware
  // makes of its own accord; before a step that uses a TLB, one of its entries evicted; and where
  // an interrupt may come or waits, interrupts deferred for 1 to kDeferredStepsMax steps. (Earlier, the
  // last two change nothing, but together with a walk and with an interrupt right behind them.)
  std::uint32_t events = 0;
  std::uint64_t state_count_max = UINT64_MAX;  // each takes about 80 bytes
  // A store that nobody else looks at, or under TSO nobody while it could wait, reaches memory as
  // soon as it can, and no other moment is tried (README.md says why). Under TSO and PSO; not with
  // `delays`, which count places in an order of all that can happen.
  bool drains_unseen = true;
  UseLeftOut left_out = UseLeftOut::kNothing;
  // Sleep sets: of two steps that touch nothing in common one order is enough, so where one of them
  // was tried first it need not be tried after the other (README.md, "Steps that touch nothing in
  // common"). All states are met, by fewer runs; if a violation ends one early, and the search goes on,
  // without sleep sets after all. Only under SC, in one process, without a bound and without events: else
  // it does nothing. REQUIRES: a program whose threads share nothing but by
  // steps (fuzz/program/program.h, P2).
  bool sleep_sets = false;
  SleepLeftOut sleep_left_out = SleepLeftOut::kNothing;
  // With sleep sets: of those who can go on some are tried alone, where the others cannot get in their
  // way (README.md, "Steps that nobody gets in the way of"). Not all states are met, but all that a
  // thread does in any run, and all ends of runs. Not if the machine has interrupts.
  bool persistent_sets = false;
};

class StateSearch final : public ProcessScheduler, public ResumableSearch {
 public:
  StateSearch(sim::Subject& subject, const StateOptions& options);
  [[nodiscard]] Report Explore() override;

  [[nodiscard]] std::uint64_t run_count() const override { return run_count_ + given_up_count_; }
  [[nodiscard]] std::uint64_t branch_count() const override { return graph_.branch_count(); }
  // So far, for a progress line too: states, and departures of a run.
  [[nodiscard]] std::uint64_t state_count() const { return graph_.state_count(); }
  [[nodiscard]] std::uint32_t departures() const {
    return static_cast<std::uint32_t>(graph_.Level());
  }

  // Of stores that nobody else looks at while they could wait, no moment but the first is tried.
  [[nodiscard]] bool drains_unseen() const { return drains_unseen_; }

  void Save(std::string& bytes) const override;
  [[nodiscard]] bool Load(std::string_view bytes) override;

 protected:
  void NewRun() override;
  [[nodiscard]] Process Choose() override;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;

 private:
  using Branch = StateGraph::Branch;
  using Choice = StateGraph::Choice;
  using Option = StateGraph::Option;
  using RunRecord = StateGraph::RunRecord;
  using Spent = StateGraph::Spent;

  [[nodiscard]] bool bounded() const {
    return options_.preemptions || options_.delays || options_.departures;
  }
  // Where the last run stood, before its choice of that number.
  struct Place {
    std::size_t depth = 0;
    sim::Machine::Checkpoint machine;
    Standing standing;
    StateKey::Told told;
    LingeringStores::Standing lingering;
    std::vector<ThreadFutures::Stand> stands;
    Process last_cpu = kNobody;
  };
  // A state in which not all are tried who can go on.
  struct Narrowed {
    std::uint64_t node = 0;
    ProcessSet enabled = 0;
    ProcessSet kept = 0;  // no other can get in the way of these
  };
  [[nodiscard]] bool KeepsPlace() const;
  void KeepPlace();
  [[nodiscard]] bool FollowsPath() const { return made_.size() < path_.choices.size(); }
  [[nodiscard]] Process TakeNextOfPath();
  const sim::Violation* RunAlong(std::uint32_t node, std::span<const Choice> then);
  [[nodiscard]] bool TouchNothingInCommon(int a, int b) const;
  [[nodiscard]] ProcessSet AsleepAfter(Process p, ProcessSet tried) const;
  [[nodiscard]] ThreadFutures::Stand StandOf(int cpu);
  void NoteStands();
  [[nodiscard]] ProcessSet Narrow(ProcessSet enabled);
  void KeepNarrowed(std::size_t first_node);
  void WidenByNews();
  void ForgetNarrowed();
  [[nodiscard]] bool NarrowedAreKnown() const;
  void ListChoices(ProcessSet enabled);
  [[nodiscard]] int JustHeld() const;
  [[nodiscard]] bool MayStoreAtOnce(Process p) const;
  [[nodiscard]] Process ChooseNext();
  [[nodiscard]] bool StoreIsUnseen(int cpu);
  [[nodiscard]] Process UnseenDrain();
  void BeginAnew(RunCount& count);
  [[nodiscard]] bool UsesTlb(int cpu) const;
  [[nodiscard]] std::optional<sim::Move::Kind> Unfinished() const;
  [[nodiscard]] static bool MayFollow(sim::Move::Kind unfinished, sim::Move::Kind kind,
                                      bool one_more);
  void AddEvents(int cpu, Spent spent, std::optional<sim::Move::Kind> unfinished);
  [[nodiscard]] Process Take(const Option& option);
  const sim::Violation* Try(const Branch& branch);
  const sim::Violation* GoAgain(const Branch& branch, const RunRecord& run);
  [[nodiscard]] bool TryBatch(RunCount& count);
  void Count(RunCount& count, RunRecord::End end, std::uint32_t steps,
             const sim::Violation* violation);
  void FindLivelock(RunCount& count);
  void ExploreAll(RunCount& count);

  sim::Subject& subject_;
  StateOptions options_;
  bool drains_unseen_;
  bool lingers_;  // drains are unseen also where others use the word at other times
  bool sleeps_;
  bool narrows_;  // tries some alone
  StateGraph graph_;
  WordUsers users_;
  LingeringStores lingering_;
  ThreadFutures futures_;
  std::vector<Narrowed> narrowed_;
  std::vector<ThreadFutures::Stand> narrowed_stands_;  // as many for each as there are CPUs
  std::uint64_t news_looked_at_ = 0;      // of futures_, when these were last looked at
  std::uint64_t narrowed_looked_at_ = 0;  // how many they were then
  std::vector<Branch> batch_;       // that were taken, and are not added yet
  StateGraph::LeastByState fresh_;  // states that this job has met since
  std::uint64_t run_count_ = 0;     // that came to their end
  std::uint64_t given_up_count_ = 0;
  std::uint64_t steps_max_ = 0;
  bool too_many_ways_ = false;  // were there for this search before, or for another job of it

  // Of the run so far.
  StateKey key_;
  StateGraph::Path path_;  // what it begins with
  std::vector<Choice> made_;
  Places<Place> places_;
  RunRecord run_;
  Spent spent_;
  Process last_cpu_ = kNobody;
  ProcessSet asleep_ = 0;  // where the run stands
  ProcessSet tried_ = 0;   // before the last choice of the path
  bool goes_on_ = false;   // even where all is known
  std::vector<ThreadFutures::Stand> stands_;  // by CPU
  std::vector<Narrowed> run_narrowed_;        // their nodes count from the run's first new state
  std::vector<Option> choices_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_STATE_SEARCH_H_
