// FootprintDpor's parts: how each is searched, by one process or by several, and how all is written down.
#include <algorithm>

#include "fuzz/base/check.h"
#include "fuzz/explore/footprint_dpor.h"
#include "fuzz/explore/saved_bytes.h"

namespace shootdown::explore {
namespace {

// So many processes have something to do.
constexpr std::size_t kPartCountMax = 64;
constexpr std::uint64_t kRunsOfPartMax = 256;
constexpr std::uint64_t kRoundsMin = 4;  // of as many parts as there can be

}  // namespace

void FootprintDpor::TakeUp(const Part& part) {
  for (const Access& access : accesses_) last_on_word_[access.touch.word] = kNone;
  accesses_.clear();
  last_of_process_.fill(kNone);
  for (std::vector<std::int32_t>& stores : held_stores_) stores.clear();
  with_undone_.clear();
  places_.Clear();
  wishes_.clear();
  frames_ = subtrees_.FramesBefore(part);
  root_ = frames_.size();
  frames_.insert(frames_.end(), part.frames.begin() + static_cast<std::ptrdiff_t>(part.own_begin()),
                 part.frames.end());
  frame_count_ = frames_.size();
  replayed_ = frame_count_ == 0 ? 0 : frame_count_ - 1;
  for (std::size_t i = 0; i < replayed_; ++i) Record(i);
}

// The part as it stands between two of its runs.
void FootprintDpor::PutDown(Part& part) const {
  const std::size_t first = root_ - part.own_begin();
  part.frames.assign(frames_.begin() + static_cast<std::ptrdiff_t>(first),
                     frames_.begin() + static_cast<std::ptrdiff_t>(frame_count_));
}

// Null: none that ends the search.
const sim::Violation* FootprintDpor::MakeRun(RunCount& count) {
  ResumeFromPlace();
  const sim::Violation* const violation = subject_.RunOnce(*this);
  MemoryWatch::Pause();
  if (gave_up_) {
    count.GivenUp();
    return nullptr;
  }
  if (in_step_) EndStep();
  count.Ended(violation);
  return violation != nullptr && !(options_.go_on && violation->at_end) ? violation : nullptr;
}

// Its next runs. What they come to is the same whoever makes them, and when.
FootprintDpor::End FootprintDpor::Search(const Part& part, RunCount& count) {
  const bool alone = options_.share.job_count == 1;
  TakeUp(part);
  in_part_ = true;
  do {
    if (made_ >= made_max_) return End::kSpent;
    if (alone && count.Stopped()) return End::kStopped;
    ++made_;
    if (MakeRun(count) != nullptr) return End::kViolation;
    if (alone) TellWishes(part);
  } while (Backtrack());
  return End::kOver;
}

void FootprintDpor::TellWishes(const Part& part) {
  if (options_.left_out != FootprintLeftOut::kWishes) subtrees_.Tell(part, wishes_);
  wishes_.clear();
}

// False: nothing is left to be tried.
bool FootprintDpor::BeginRound() {
  if (!subtrees_.Divide(kPartCountMax)) return false;
  part_ = 0;
  made_max_ =
      std::clamp(run_count() / (kPartCountMax * kRoundsMin), kRunsOfPartMin, kRunsOfPartMax);
  return true;
}

// False: the search is over.
bool FootprintDpor::SearchNext() {
  Part& part = subtrees_.part(part_);
  const End end = Search(part, count_);
  in_part_ = false;
  if (end == End::kViolation) return false;
  PutDown(part);
  if (end == End::kStopped) return false;
  subtrees_.Searched(part, end == End::kOver);
  ++part_;
  made_ = 0;
  return true;
}

Report FootprintDpor::Explore() {
  Report& report = count_.report();
  if (subject_.machine().config().memory_model > sim::MemoryModel::kTso ||
      process_count_ > kProcessCountMax) {
    report.stopped_by = StoppedBy::kRefused;
    return report;
  }
  for (;;) {
    if (part_ == subtrees_.part_count() && !BeginRound()) {
      report.complete = true;
      return report;
    }
    if (!(options_.share.job_count == 1 ? SearchNext() : SearchTogether())) return report;
  }
}

std::uint64_t FootprintDpor::branch_count() const {
  std::uint64_t count = subtrees_.branch_count();
  if (!in_part_) return count;
  // What stands there of it is older.
  const Part& part = subtrees_.part(part_);
  for (std::size_t i = part.own_begin(); i < part.frames.size(); ++i) {
    count -= part.frames[i].LeftCount();
  }
  for (std::size_t i = root_; i < frame_count_; ++i) {
    count += frames_[i].LeftCount();
  }
  return count;
}

// ---- several processes -------------------------------------------------------------------------------

// What this job has of the round: each job_count-th part, each with what it comes to.
void FootprintDpor::SaveShare(std::string& bytes) {
  const std::uint64_t made_before = made_;
  for (std::size_t n = part_ + options_.share.job; n < subtrees_.part_count();
       n += options_.share.job_count) {
    Part part = subtrees_.part(n);
    RunCount count(subject_, options_, options_.count_classes);
    made_ = n == part_ ? made_before : 0;
    const End end = Search(part, count);
    in_part_ = false;
    Put(bytes, end);
    if (end == End::kViolation) continue;
    PutAll(bytes, wishes_);
    PutDown(part);
    FrameWriter writer(bytes, static_cast<int>(process_count_));
    Subtrees::Write(writer, part);
    count.Save(bytes);
  }
  made_ = made_before;
  SaveReached(options_.reached, bytes);
}

// What somebody has found in the part. False: a violation, which ends the search.
bool FootprintDpor::Join(Part& part, std::string_view& bytes) {
  End end{};
  SHOOTDOWN_CHECK(Get(bytes, end));
  if (end == End::kViolation) {
    // Every process finds it once more, and so has it as if it were alone.
    SHOOTDOWN_CHECK(Search(part, count_) == End::kViolation);
    in_part_ = false;
    return false;
  }
  SHOOTDOWN_CHECK(GetAll(bytes, wishes_));
  FrameReader reader(bytes, subject_.machine().config().cpu_count,
                     static_cast<int>(process_count_));
  SHOOTDOWN_CHECK(Subtrees::Read(reader, part));
  SHOOTDOWN_CHECK(count_.Join(bytes));
  TellWishes(part);
  subtrees_.Searched(part, end == End::kOver);
  return true;
}

// The rest of the round. False: the search is over.
bool FootprintDpor::SearchTogether() {
  const std::size_t job_count = options_.share.job_count;
  if (count_.Stopped()) return false;
  std::string own;
  SaveShare(own);
  std::vector<std::string> all;
  if (!options_.share.exchange(own, all)) {
    count_.report().stopped_by = StoppedBy::kAsked;
    return false;
  }
  std::vector<std::string_view> rest(all.begin(), all.end());
  for (std::size_t job = 0; part_ != subtrees_.part_count(); job = (job + 1) % job_count) {
    if (!Join(subtrees_.part(part_), rest[job])) return false;
    ++part_;
    made_ = 0;
  }
  for (std::string_view& news : rest) {
    SHOOTDOWN_CHECK(JoinReached(options_.reached, news));
    SHOOTDOWN_CHECK(news.empty());
  }
  return true;
}

// ---- to be gone on with ------------------------------------------------------------------------------

void FootprintDpor::Save(std::string& bytes) const {
  SHOOTDOWN_CHECK(!count_.has_violation());
  Put(bytes, std::uint64_t{part_});
  Put(bytes, made_);
  Put(bytes, made_max_);
  count_.Save(bytes);
  SaveReached(options_.reached, bytes);
  Subtrees now = subtrees_;
  if (in_part_) PutDown(now.part(part_));
  FrameWriter writer(bytes, static_cast<int>(process_count_));
  now.Save(writer);
}

bool FootprintDpor::Load(std::string_view bytes) {
  SHOOTDOWN_CHECK(run_count() == 0);
  std::uint64_t part = 0;
  if (!Get(bytes, part) || !Get(bytes, made_) || !Get(bytes, made_max_)) return false;
  if (!count_.Join(bytes) || !JoinReached(options_.reached, bytes)) return false;
  // The limit is on what this search makes itself, or one that goes on would stop at once.
  options_.execution_count_max += std::min(run_count(), UINT64_MAX - options_.execution_count_max);
  FrameReader reader(bytes, subject_.machine().config().cpu_count,
                     static_cast<int>(process_count_));
  if (!subtrees_.Load(reader) || part > subtrees_.part_count()) return false;
  part_ = part;
  return bytes.empty();
}

}  // namespace shootdown::explore
