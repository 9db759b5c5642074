#include "fuzz/explore/state_search.h"

#include <algorithm>

#include "fuzz/base/check.h"
#include "fuzz/explore/saved_bytes.h"

namespace shootdown::explore {

using sim::Move;
using sim::StepKind;

namespace {

// Runs that a job makes before it tells the others.
constexpr std::size_t kRunsTogether = 32;

// Whether a search, or a job of one, has met more than it can tell apart.
constexpr char kTooMany = 1;
constexpr char kNotTooMany = 0;

}  // namespace

StateSearch::StateSearch(sim::Subject& subject, const StateOptions& options)
    : subject_(subject),
      options_(options),
      drains_unseen_(options.drains_unseen && !options.delays &&
                     (subject.machine().config().memory_model == sim::MemoryModel::kTso ||
                      subject.machine().config().memory_model == sim::MemoryModel::kPso)),
      lingers_(drains_unseen_ && subject.machine().config().memory_model == sim::MemoryModel::kTso),
      sleeps_(options.sleep_sets && !bounded() && options.events == 0 &&
              options.share.job_count == 1 &&
              subject.machine().config().memory_model == sim::MemoryModel::kSc),
      narrows_(sleeps_ && options.persistent_sets && !subject.machine().takes_interrupts()),
      graph_(bounded(), sleeps_),
      users_(subject.machine(), options.left_out),
      lingering_(subject.machine(), users_, options.left_out) {
  RequireProcesses(subject.machine().config());
  SHOOTDOWN_CHECK(int{options.preemptions.has_value()} + int{options.delays.has_value()} +
                      int{options.departures.has_value()} <=
                  1);
  SHOOTDOWN_CHECK(options.departures.value_or(0) <= StateOptions::kCostMax);
  SHOOTDOWN_CHECK(options.preemptions.value_or(0) <= StateOptions::kCostMax);
  SHOOTDOWN_CHECK(options.delays.value_or(0) <= StateOptions::kCostMax);
  SHOOTDOWN_CHECK(options.events <= StateOptions::kEventCountMax);
  SHOOTDOWN_CHECK(options.share.job < options.share.job_count);
  if (options.share.job_count != 1) {
    SHOOTDOWN_CHECK(!options.should_stop && !options.on_run && !options.go_on);
  }
  std::ranges::fill(options_.reached, 0);
}

void StateSearch::NewRun() {
  key_.Reset();
  users_.BeginAt(0);
  lingering_.BeginRun();
  made_.clear();
  stands_.clear();
  last_cpu_ = kNobody;
}

// ---- places -------------------------------------------------------------------------------------

bool StateSearch::KeepsPlace() const {
  return machine().CanKeepCheckpoints() && made_.size() > places_.depth();
}

// REQUIRES: key_ has looked at memory.
void StateSearch::KeepPlace() {
  Place& place = places_.Push();
  place.depth = made_.size();
  Keep(place.standing);
  place.told = key_.told();
  if (lingers_) place.lingering = lingering_.standing();
  if (narrows_) place.stands = stands_;
  place.last_cpu = last_cpu_;
  subject_.machine().KeepCheckpoint(place.machine, places_.BeforeLast());
}

// A run that begins with the choices to `node`, and those in `then`.
const sim::Violation* StateSearch::RunAlong(std::uint32_t node, std::span<const Choice> then) {
  run_.states.clear();
  run_.options.clear();
  run_narrowed_.clear();
  run_.last = {};
  run_.end = RunRecord::End::kOver;
  asleep_ = 0;
  // Of the choices that the last run made.
  std::size_t common = std::min(graph_.PathTo(node, path_), made_.size());
  path_.choices.insert(path_.choices.end(), then.begin(), then.end());
  while (common < made_.size() && common < path_.choices.size() &&
         made_[common] == path_.choices[common]) {
    ++common;
  }
  places_.DropFrom(common + 1);
  if (!places_.empty()) {
    const Place& place = places_.last();
    GoBackTo(place.standing);
    key_.GoBackTo(place.told, place.machine.guest());
    users_.BeginAt(place.told.rows);
    if (lingers_) lingering_.BeginAt(place.told.rows, place.lingering);
    made_.resize(place.depth);
    if (narrows_) stands_ = place.stands;
    last_cpu_ = place.last_cpu;
    subject_.machine().ResumeFrom(place.machine);
  }
  const sim::Violation* const violation = subject_.RunOnce(*this);
  if (drains_unseen_) users_.Absorb(machine());
  if (lingers_) lingering_.Absorb(machine());
  return violation;
}

// ---- a run --------------------------------------------------------------------------------------

Process StateSearch::Take(const Option& option) {
  run_.last = option;
  spent_ = option.spent;
  const Choice& choice = option.choice;
  made_.push_back(choice);
  const Process p = choice.process;
  asleep_ = AsleepAfter(p, option.tried);
  if (IsBuffer(p)) return p;
  const int cpu = CpuOf(p);
  last_cpu_ = cpu;
  if (choice.event == Move::Kind::kDrain) {
    StoreAtOnce();
    return p;
  }
  if (choice.event != Move::Kind::kStep) {
    MeetFirst({.kind = choice.event, .cpu = choice.process, .arg = choice.arg});
    return p;
  }
  const Pending& next = pending(cpu);
  if (next.kind == StepKind::kRmw && next.word != sim::kNoWord && !machine().InterruptDue(cpu)) {
    key_.BeforeRmw(next.actor, sim::Machine::PeekWord(next.word));
  }
  return p;
}

Process StateSearch::TakeNextOfPath() {
  const Choice choice = path_.choices[made_.size()];
  // Nobody could go on here, and so nobody was chosen: a deferred interrupt comes after all.
  if (!IsBuffer(choice.process) && !machine().CanRun(CpuOf(choice.process))) {
    SHOOTDOWN_CHECK(Enabled() == 0);
    return kNobody;
  }
  return Take({.choice = choice, .spent = spent_, .tried = tried_});
}

// Whoever looks at memory before the step that is chosen here, or after it: lingering_ hears of both.
Process StateSearch::Choose() {
  const Process next = ChooseNext();
  if (!lingers_) return next;
  sim::WordIndex word = sim::kNoWord;
  if (next != kNobody && next != kCut) {
    word = IsBuffer(next) ? machine().BufferedAt(CpuOf(next), PlaceOf(next)).word
                          : pending(CpuOf(next)).word;
  }
  lingering_.Chosen(word);
  // But who waits for ever has looked too, at what perhaps arrived just now.
  if (next == kNobody) lingering_.NothingWaits();
  return next;
}

sim::Move StateSearch::Pick(const sim::Question& question) {
  return PickBy([this] { return Choose(); }, question);
}

Process StateSearch::ChooseNext() {
  key_.Absorb(machine());
  if (drains_unseen_) {
    users_.Absorb(machine());
    if (lingers_) lingering_.Absorb(machine());
    if (const Process drain = UnseenDrain(); drain != kNobody) return drain;
  }
  if (narrows_) NoteStands();
  if (FollowsPath()) {
    if (KeepsPlace()) {
      key_.LookAtMemory(machine());
      KeepPlace();
    }
    return TakeNextOfPath();
  }
  ProcessSet enabled = Enabled();
  if (enabled == 0) return kNobody;
  if (!goes_on_) {
    key_.Begin(machine());
    DescribeNext(options_.events != 0, [this](std::uint64_t word) { key_.Add(word); });
    if (bounded()) key_.Add(static_cast<std::uint64_t>(last_cpu_) + 1);
    if (lingers_ && options_.left_out != UseLeftOut::kMeetings) {
      lingering_.Describe([this](std::uint64_t word) { key_.Add(word); });
    }
    if (const std::optional<Move::Kind> unfinished = Unfinished()) {
      key_.Add(std::uint64_t{made_.back().process} << 8 | static_cast<std::uint64_t>(*unfinished));
    }
    const Hash128 key = key_.End();
    graph_.Prefetch(key);
    if (!graph_.Reach(fresh_, key, spent_) || graph_.Knows(key, spent_)) {
      run_.end = RunRecord::End::kKnown;
      run_.known = key;
      run_.known_asleep = asleep_;
      if (options_.sleep_left_out == SleepLeftOut::kMeetings) run_.known_asleep = ~ProcessSet{0};
      return kCut;
    }
    run_.states.push_back({.key = key, .reached_by = run_.last, .asleep = asleep_});
    if (narrows_) enabled = Narrow(enabled);
    if ((enabled & ~asleep_) == 0) {
      run_.end = RunRecord::End::kAsleep;
      return kCut;
    }
  }
  ListChoices(enabled & ~asleep_);
  if (choices_.size() > 1 && !goes_on_ && KeepsPlace()) {
    KeepPlace();
    if (FollowsPath()) return TakeNextOfPath();  // another run resumed here
  }
  // Drains first, then on with the CPU that runs: near the default order.
  const auto any_of = [&](ProcessSet processes) {
    return std::ranges::find_if(choices_, [&](const Option& o) {
      return (processes & Bit(o.choice.process)) != 0 && o.spent.cost == spent_.cost &&
             (o.choice.event == Move::Kind::kStep || o.choice.event == Move::Kind::kDrain);
    });
  };
  auto next = any_of(buffers() ? WaysOf(current_cpu()) : 0);
  if (next == choices_.end()) next = any_of(Bit(current_cpu()));
  if (next == choices_.end()) next = choices_.begin();
  if (!goes_on_) {
    next->tried = asleep_;
    ProcessSet tried = asleep_ | Bit(next->choice.process);
    for (Option& option : choices_) {
      if (&option == &*next) continue;
      option.tried = tried;
      tried |= Bit(option.choice.process);
      run_.options.push_back(option);
    }
    run_.states.back().option_end = static_cast<std::uint32_t>(run_.options.size());
  }
  return Take(*next);
}

const sim::Violation* StateSearch::Try(const Branch& branch) {
  std::span<const Choice> then(&branch.option.choice, 1);
  if (branch.node == StateGraph::kNoNode) then = {};  // to the first state no choice leads
  spent_ = branch.option.spent;
  tried_ = branch.option.tried;
  const sim::Violation* const violation = RunAlong(branch.node, then);
  if (run_.end == RunRecord::End::kOver && violation != nullptr) {
    run_.end = RunRecord::End::kViolation;
  }
  run_.steps = static_cast<std::uint32_t>(machine().log().size());
  return violation;
}

// The run that `run` tells of, which began with `branch`.
const sim::Violation* StateSearch::GoAgain(const Branch& branch, const RunRecord& run) {
  std::vector<Choice> then;
  bool is_first = branch.node == StateGraph::kNoNode;
  for (const RunRecord::State& state : run.states) {
    if (!is_first) then.push_back(state.reached_by.choice);
    is_first = false;
  }
  if (!is_first) then.push_back(run.last.choice);
  spent_ = run.last.spent;
  goes_on_ = true;
  const sim::Violation* const violation = RunAlong(branch.node, then);
  goes_on_ = false;
  SHOOTDOWN_CHECK(violation != nullptr);
  return violation;
}

void StateSearch::Count(RunCount& count, RunRecord::End end, std::uint32_t steps,
                        const sim::Violation* violation) {
  Report& report = count.report();
  const bool given_up = end == RunRecord::End::kKnown || end == RunRecord::End::kAsleep;
  if (violation != nullptr || (!given_up && options_.share.job_count == 1)) {
    count.Ended(violation);
  } else if (given_up) {
    count.GivenUp();
  } else {  // by whomever
    ++report.executions;
    report.steps_max = std::max<std::uint64_t>(report.steps_max, steps);
  }
  run_count_ = report.executions;
  given_up_count_ = report.blocked;
  steps_max_ = report.steps_max;
}

// Makes the next runs, or this job's share of them. False: the search is over.
bool StateSearch::TryBatch(RunCount& count) {
  const Share& share = options_.share;
  if (share.job_count == 1) {
    const sim::Violation* const violation = Try(batch_.front());
    const bool violates = run_.end == RunRecord::End::kViolation;
    // Where it ends a run early, others do no more after it, and what they do may not have been tried before.
    if (violates && options_.go_on && sleeps_ && Enabled() != 0) {
      sleeps_ = narrows_ = false;
      BeginAnew(count);
      return true;
    }
    const std::size_t first_node = graph_.node_count();
    (void)graph_.Add(batch_.front(), run_);
    KeepNarrowed(first_node);
    Count(count, run_.end, run_.steps, violates ? violation : nullptr);
    return !violates || options_.go_on;
  }
  std::string own;
  for (std::size_t i = share.job; i < batch_.size(); i += share.job_count) {
    (void)Try(batch_[i]);
    run_.Save(own);
  }
  users_.SaveNews(own);
  lingering_.SaveNews(own);
  SaveReached(options_.reached, own);
  own += too_many() ? kTooMany : kNotTooMany;
  std::vector<std::string> all;
  if (!share.exchange(own, all)) {
    graph_.PutBack(batch_);
    return false;
  }
  std::vector<std::string_view> rest(all.begin(), all.end());
  RunRecord run;
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    SHOOTDOWN_CHECK(run.Load(rest[i % share.job_count]));
    const std::optional<RunRecord::End> end = graph_.Add(batch_[i], run);
    const bool violates = run.end == RunRecord::End::kViolation;
    if (end) Count(count, *end, run.steps, violates ? GoAgain(batch_[i], run) : nullptr);
    if (violates) return false;
  }
  for (std::string_view& news : rest) {
    SHOOTDOWN_CHECK(users_.Learn(news));
    SHOOTDOWN_CHECK(lingering_.Learn(news));
    SHOOTDOWN_CHECK(JoinReached(options_.reached, news));
    SHOOTDOWN_CHECK(news.size() == 1);
    too_many_ways_ = too_many_ways_ || news.front() == kTooMany;
  }
  return true;
}

// Something was left out that has to be tried.
void StateSearch::BeginAnew(RunCount& count) {
  users_.RelyOnNothing();
  lingering_.BeginAnew();
  std::ranges::fill(options_.reached, 0);  // a bound may have been counted in another way
  graph_ = StateGraph(bounded(), sleeps_);
  ForgetNarrowed();
  path_ = {};
  made_.clear();
  places_.Clear();
  Report& report = count.report();
  report.executions = report.failing = report.blocked = report.steps_max = 0;
  run_count_ = given_up_count_ = steps_max_ = 0;
}

// Where no choice leads to an end the run goes on until the budget of steps is spent.
void StateSearch::FindLivelock(RunCount& count) {
  const std::uint32_t node = graph_.NodeWithoutEnd();
  if (node == StateGraph::kNoNode) return;
  spent_ = graph_.SpentAt(node);
  goes_on_ = true;
  const sim::Violation* const violation = RunAlong(node, {});
  goes_on_ = false;
  if (violation == nullptr) return;  // nobody judges livelocks here
  count.Ended(violation);
  count.report().complete = false;
}

void StateSearch::ExploreAll(RunCount& count) {
  const std::size_t job_count = options_.share.job_count;
  const std::size_t batch_max = job_count == 1 ? 1 : job_count * kRunsTogether;
  Report& report = count.report();
  while (!count.Stopped()) {
    if (graph_.state_count() > options_.state_count_max) {
      report.stopped_by = StoppedBy::kStates;
      return;
    }
    if (narrows_) WidenByNews();
    graph_.TakeBranches(batch_max, batch_);
    if (batch_.empty()) {
      too_many_ways_ = too_many_ways_ || too_many();
      report.complete = !too_many_ways_;
      if (too_many_ways_) report.stopped_by = StoppedBy::kTooManyWays;
      return;
    }
    const bool goes_on = TryBatch(count);
    batch_.clear();
    fresh_.clear();
    if (!goes_on) {
      if (!report.violation) report.stopped_by = StoppedBy::kAsked;
      return;
    }
    if (users_.Contradicted() || lingering_.Contradicted()) BeginAnew(count);
  }
}

Report StateSearch::Explore() {
  RunCount count(subject_, options_, /*classes=*/false);
  Report& report = count.report();
  report.executions = run_count_;
  report.blocked = given_up_count_;
  report.steps_max = steps_max_;
  subject_.machine().KeepMemoryMarks(true);
  users_.Watch(subject_.machine(), drains_unseen_);
  places_.Clear();  // others may have run since
  ExploreAll(count);
  // Only a run that can come back to where it was may never end; and who looks for its end has to
  // try all. (In such a run, too, somebody might be left out for ever.)
  if (report.complete && sleeps_ && graph_.HasCycle()) {
    sleeps_ = narrows_ = false;
    report.complete = false;
    BeginAnew(count);
    ExploreAll(count);
  }
  if (report.complete && !sleeps_) FindLivelock(count);
  subject_.machine().KeepMemoryMarks(false);
  users_.Watch(subject_.machine(), false);
  report.states = graph_.state_count();
  report.digest = graph_.digest();
  // What costs less than the runs that are left has been tried.
  if (const std::size_t level = graph_.Level(); bounded() && !options_.delays && level != 0) {
    report.departures_complete = static_cast<std::uint32_t>(level - 1);
  }
  return report;
}

void StateSearch::Save(std::string& bytes) const {
  for (const std::uint64_t number :
       {run_count_, given_up_count_, steps_max_, std::uint64_t{sleeps_}, std::uint64_t{narrows_},
        news_looked_at_, narrowed_looked_at_}) {
    Put(bytes, number);
  }
  bytes += too_many_ways_ || too_many() ? kTooMany : kNotTooMany;
  users_.SaveAll(bytes);
  lingering_.SaveAll(bytes);
  SaveReached(options_.reached, bytes);
  futures_.Save(bytes);
  PutAll(bytes, narrowed_);
  PutAll(bytes, narrowed_stands_);
  graph_.Save(batch_, bytes);
}

bool StateSearch::Load(std::string_view bytes) {
  SHOOTDOWN_CHECK(graph_.state_count() == 0);
  std::uint64_t sleeps = 0;
  std::uint64_t narrows = 0;
  for (std::uint64_t* const number : {&run_count_, &given_up_count_, &steps_max_, &sleeps, &narrows,
                                      &news_looked_at_, &narrowed_looked_at_}) {
    if (!Get(bytes, *number)) return false;
  }
  if (bytes.empty()) return false;
  too_many_ways_ = bytes.front() == kTooMany;
  bytes.remove_prefix(1);
  // The limit is on what this search makes itself, or one that goes on would stop at once.
  const std::uint64_t made = run_count_ + given_up_count_;
  options_.execution_count_max += std::min(made, UINT64_MAX - options_.execution_count_max);
  sleeps_ = sleeps != 0;
  narrows_ = narrows != 0;
  graph_ = StateGraph(bounded(), sleeps_);
  return users_.Learn(bytes) && lingering_.Learn(bytes) && JoinReached(options_.reached, bytes) &&
         futures_.Load(bytes) && GetAll(bytes, narrowed_) && GetAll(bytes, narrowed_stands_) &&
         graph_.Load(bytes) && bytes.empty() && NarrowedAreKnown();
}

}  // namespace shootdown::explore
