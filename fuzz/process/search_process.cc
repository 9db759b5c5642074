#include "fuzz/process/search_process.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_format.h"
#include "fuzz/base/hash.h"
#include "fuzz/process/child_process.h"
#include "fuzz/process/raw_bytes.h"

namespace shootdown {
namespace {

using Children = std::vector<std::unique_ptr<ChildProcess>>;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTickEvery(100);

enum Message : std::uint8_t { kFound = 1, kInput = 2 };

// ---- in the child ------------------------------------------------------------------------------

// Begins a message: how many runs had ended before it.
std::string Stamp(const ChildState& state) {
  std::string stamp;
  AppendRaw(stamp, state.runs.load());
  return stamp;
}

[[noreturn]] void RunJob(Simulation& simulation, const SearchRequest& request, int number,
                         const ChildPipe& pipe, ChildState* state) {
  SearchOptions options{.seed = request.seed, .second_count_max = request.second_count_max,
                        .seeds = request.seeds,
                        .known_features = request.known_features};
  if (number != 0) options.seed = Combine(request.seed, static_cast<std::uint64_t>(number));
  if (request.run_count_max != 0) {
    const auto jobs = static_cast<std::uint64_t>(request.job_count);
    const auto n = static_cast<std::uint64_t>(number);
    options.run_count_max = request.run_count_max / jobs + (n < request.run_count_max % jobs ? 1 : 0);
    if (options.run_count_max == 0) _exit(0);  // no share of a small budget; 0 would mean no limit
  }
  SearchJobListener listener;
  listener.found = [&](const Target::Found& found) {
    const std::vector<std::uint8_t> exact = found.exact.Encode();
    std::string payload = Stamp(*state);
    AppendRaw(payload, found.run);
    AppendRaw(payload, static_cast<std::uint32_t>(found.kind_key.size()));
    payload += found.kind_key;
    payload.append(exact.begin(), exact.end());
    pipe.Send(kFound, payload);
    if (!request.keep_going) _exit(0);
  };
  listener.input = [&](const NewInput& input) {
    std::string payload = Stamp(*state);
    AppendRaw(payload, static_cast<std::uint32_t>(input.features.size()));
    for (const std::uint32_t feature : input.features) AppendRaw(payload, feature);
    payload.append(input.schedule.begin(), input.schedule.end());
    pipe.Send(kInput, payload);
  };
  RunSearchJob(simulation, request.strategy, options, listener, state);
}

// ---- in the parent -----------------------------------------------------------------------------

NewInput InputOf(const std::string& payload) {
  RawReader reader(payload);
  NewInput input;
  input.features.resize(reader.Take<std::uint32_t>());
  for (std::uint32_t& feature : input.features) feature = reader.Take<std::uint32_t>();
  input.schedule.assign(reader.rest().begin(), reader.rest().end());
  return input;
}

struct Finding {
  Schedule exact;
  std::string kind_key;
  std::uint64_t run = 0;
};

Finding FindingOf(const std::string& payload) {
  RawReader reader(payload);
  Finding finding;
  finding.run = reader.Take<std::uint64_t>();
  finding.kind_key = reader.TakeBytes(reader.Take<std::uint32_t>());
  const std::vector<std::uint8_t> exact(reader.rest().begin(), reader.rest().end());
  finding.exact = Schedule::Decode(exact);
  return finding;
}

// What the jobs say, in an order that does not depend on how fast each is: by the runs that the sender
// had made, then by its number. So a message waits until every other job has made as many runs.
class MergedMessages {
 public:
  explicit MergedMessages(std::size_t job_count) : jobs_(job_count) {}

  // Takes all that the job has said by now. REQUIRES: !child.ended().
  void Receive(std::size_t job, ChildProcess& child) {
    const std::uint64_t runs = child.state().runs.load(std::memory_order_acquire);
    pollfd readable{.fd = child.fd(), .events = POLLIN, .revents = 0};
    while (!child.ended() && poll(&readable, 1, 0) > 0) {
      for (ChildMessage& message : child.Receive()) jobs_[job].said.push_back(std::move(message));
    }
    jobs_[job].runs = child.ended() ? UINT64_MAX : runs;
  }

  struct Message {
    std::size_t job;
    std::uint8_t type;
    std::string payload;
  };
  // The next one that no other can come before.
  std::optional<Message> Next() {
    Job* first = nullptr;
    for (Job& job : jobs_) {
      if (!job.said.empty() && (first == nullptr || job.Stamp() < first->Stamp())) first = &job;
    }
    if (first == nullptr) return std::nullopt;
    for (const Job& job : jobs_) {
      if (job.said.empty() && job.runs <= first->Stamp()) return std::nullopt;
    }
    ChildMessage said = std::move(first->said.front());
    first->said.pop_front();
    return Message{.job = static_cast<std::size_t>(first - jobs_.data()),
                   .type = said.type,
                   .payload = said.payload.substr(sizeof(std::uint64_t))};
  }

 private:
  struct Job {
    std::deque<ChildMessage> said;
    std::uint64_t runs = 0;  // what it says from now on is stamped with at least this

    [[nodiscard]] std::uint64_t Stamp() const {
      return RawReader(said.front().payload).Take<std::uint64_t>();
    }
  };
  std::vector<Job> jobs_;
};

absl::Status EndOf(const ChildProcess& child) {
  const std::optional<std::string>& fault = child.fault();
  if (!fault.has_value()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrFormat("this is a fault of ours: with the schedule \"%s\" %s",
                      child.state().Running().ToText(), *fault));
}

// The finding that ended the search.
struct LastFinding {
  std::size_t job;
  std::uint64_t run;
};

// What the other jobs ran after the last finding does not count.
SearchCounts Sum(const Children& children, const std::optional<LastFinding>& last) {
  SearchCounts sum;
  for (std::size_t j = 0; j < children.size(); ++j) {
    const std::unique_ptr<ChildProcess>& child = children[j];
    const std::uint64_t runs = child->state().runs;
    sum.runs += !last.has_value() ? runs : j == last->job ? last->run : std::min(runs, last->run);
    sum.findings_passed_over += child->state().findings_passed_over;
    sum.features = std::max<std::uint64_t>(sum.features, child->state().features);
  }
  return sum;
}

// Of children that have ended.
void CountBehaviours(const Children& children, SearchCounts& counts) {
  std::uint64_t runs = 0;
  BehaviourCounts seen;
  if (children.size() == 1) {
    const ChildState& state = children.front()->state();
    runs = state.runs;
    seen = {.all = static_cast<double>(state.behaviours),
            .once = static_cast<double>(state.behaviours_once),
            .twice = static_cast<double>(state.behaviours_twice)};
  } else {
    BehaviourSample joined;
    for (const std::unique_ptr<ChildProcess>& child : children) {
      const ChildState::Behaviours& last = child->state().LastBehaviours();
      runs += last.run_count;
      joined.Add(last.sample());
    }
    seen = joined.Counts();
  }
  counts.behaviours = static_cast<std::uint64_t>(std::llround(seen.all));
  counts.new_behaviour = EstimateNewBehaviour(runs, seen);
}

// Of children that have ended.
void CountReached(const Children& children, SearchCounts& counts) {
  for (const std::unique_ptr<ChildProcess>& child : children) {
    for (std::size_t i = 0; i < counts.reached.size(); ++i) {
      counts.reached[i] = std::max(counts.reached[i], child->state().reached[i].load());
    }
  }
}

// Until the next tick at most.
void WaitForMessages(const Children& children) {
  std::vector<pollfd> polled;
  for (const std::unique_ptr<ChildProcess>& child : children) {
    if (!child->ended()) polled.push_back({.fd = child->fd(), .events = POLLIN, .revents = 0});
  }
  (void)poll(polled.data(), polled.size(), static_cast<int>(kTickEvery.count()));
}

}  // namespace

absl::Status Search(std::unique_ptr<Simulation> simulation, const SearchRequest& request,
                    const SearchHandler& handler, SearchCounts* counts) {
  absl::Status status = absl::OkStatus();
  Children children;
  for (int j = 0; j < request.job_count && status.ok(); ++j) {
    absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(
        [&](const ChildPipe& pipe, ChildState* state) {
          RunJob(*simulation, request, j, pipe, state);
        },
        ChildLimits());
    status = child.status();
    if (child.ok()) children.push_back(*std::move(child));
  }
  const std::size_t reached_count = simulation->kernel().reached().size();
  simulation.reset();
  MergedMessages messages(children.size());
  absl::Status fault = absl::OkStatus();  // of a job; what it had said before counts
  std::optional<LastFinding> last;
  bool stop = !status.ok();
  Clock::time_point next_tick;
  for (bool ended = false; !ended;) {
    WaitForMessages(children);
    ended = true;
    for (std::size_t j = 0; j < children.size(); ++j) {
      ChildProcess& child = *children[j];
      if (child.ended()) continue;
      if (stop) child.Cancel();
      messages.Receive(j, child);
      if (child.ended()) fault.Update(EndOf(child));
      ended = ended && child.ended();
    }
    while (status.ok() && !last.has_value()) {
      const std::optional<MergedMessages::Message> message = messages.Next();
      if (!message.has_value()) break;
      if (message->type == kInput) {
        if (handler.input) status = handler.input(InputOf(message->payload));
        continue;
      }
      const Finding finding = FindingOf(message->payload);
      status = handler.found(finding.exact, finding.kind_key, finding.run);
      if (!request.keep_going) last = {.job = message->job, .run = finding.run};
    }
    if (handler.tick && status.ok() && Clock::now() >= next_tick) {
      next_tick = Clock::now() + kTickEvery;
      status = handler.tick(Sum(children, last));
    }
    stop = stop || !status.ok() || !fault.ok() || last.has_value() ||
           (handler.interrupted && handler.interrupted());
  }
  status.Update(fault);
  *counts = Sum(children, last);
  CountBehaviours(children, *counts);
  counts->reached.assign(reached_count, 0);
  CountReached(children, *counts);
  return status;
}

}  // namespace shootdown
