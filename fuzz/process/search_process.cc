#include "fuzz/process/search_process.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_format.h"
#include "fuzz/base/check.h"
#include "fuzz/base/hash.h"
#include "fuzz/process/child_process.h"

namespace shootdown {
namespace {

using Children = std::vector<std::unique_ptr<ChildProcess>>;

enum Message : std::uint8_t { kFound = 1, kInput = 2 };

// ---- in the child ------------------------------------------------------------------------------

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
    std::string payload(reinterpret_cast<const char*>(&found.run), sizeof found.run);
    const auto key_size = static_cast<std::uint32_t>(found.kind_key.size());
    payload.append(reinterpret_cast<const char*>(&key_size), sizeof key_size);
    payload += found.kind_key;
    payload.append(exact.begin(), exact.end());
    if (!request.keep_going) state->runs = found.run;
    pipe.Send(kFound, payload);
    if (!request.keep_going) _exit(0);
  };
  listener.input = [&](const NewInput& input) {
    const auto feature_count = static_cast<std::uint32_t>(input.features.size());
    std::string payload(reinterpret_cast<const char*>(&feature_count), sizeof feature_count);
    payload.append(reinterpret_cast<const char*>(input.features.data()),
                   feature_count * sizeof input.features[0]);
    payload.append(input.schedule.begin(), input.schedule.end());
    pipe.Send(kInput, payload);
  };
  RunSearchJob(simulation, request.strategy, options, listener, state);
}

// ---- in the parent -----------------------------------------------------------------------------

NewInput InputOf(const std::string& payload) {
  std::uint32_t feature_count = 0;
  SHOOTDOWN_CHECK(payload.size() >= sizeof feature_count);
  std::memcpy(&feature_count, payload.data(), sizeof feature_count);
  NewInput input;
  const std::size_t bytes = feature_count * sizeof input.features[0];
  SHOOTDOWN_CHECK(payload.size() >= sizeof feature_count + bytes);
  input.features.resize(feature_count);
  std::memcpy(input.features.data(), payload.data() + sizeof feature_count, bytes);
  input.schedule.assign(payload.begin() + static_cast<std::ptrdiff_t>(sizeof feature_count + bytes),
                        payload.end());
  return input;
}

absl::Status Take(const ChildMessage& message, const SearchHandler& handler, bool* found_any) {
  const std::string& payload = message.payload;
  if (message.type == kInput) {
    return handler.input ? handler.input(InputOf(payload)) : absl::OkStatus();
  }
  std::uint64_t run = 0;
  std::uint32_t key_size = 0;
  std::memcpy(&run, payload.data(), sizeof run);
  std::memcpy(&key_size, payload.data() + sizeof run, sizeof key_size);
  const std::size_t head = sizeof run + sizeof key_size;
  const std::string key = payload.substr(head, key_size);
  const std::vector<std::uint8_t> bytes(
      payload.begin() + static_cast<std::ptrdiff_t>(head + key_size), payload.end());
  *found_any = true;
  return handler.found(Schedule::Decode(bytes), key, run);
}

absl::Status EndOf(const ChildProcess& child) {
  const std::optional<std::string>& fault = child.fault();
  if (!fault.has_value()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrFormat("this is a fault of ours: with the schedule \"%s\" %s",
                      child.state().Running().ToText(), *fault));
}

SearchCounts Sum(const Children& children) {
  SearchCounts sum;
  for (const std::unique_ptr<ChildProcess>& child : children) {
    sum.runs += child->state().runs;
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
  simulation.reset();
  bool stop = !status.ok();
  bool found_any = false;
  for (;;) {
    std::vector<pollfd> polled;
    std::vector<ChildProcess*> running;
    for (const std::unique_ptr<ChildProcess>& child : children) {
      if (child->ended()) continue;
      if (stop) child->Cancel();
      running.push_back(child.get());
      polled.push_back({.fd = child->fd(), .events = POLLIN, .revents = 0});
    }
    if (running.empty()) break;
    (void)poll(polled.data(), polled.size(), 100);
    for (std::size_t i = 0; i < running.size(); ++i) {
      if (polled[i].revents == 0) continue;
      for (const ChildMessage& message : running[i]->Receive()) {
        if (status.ok()) status = Take(message, handler, &found_any);
      }
      if (running[i]->ended() && status.ok()) status = EndOf(*running[i]);
    }
    if (handler.tick && status.ok()) status = handler.tick(Sum(children));
    stop = stop || !status.ok() || (handler.interrupted && handler.interrupted()) ||
           (found_any && !request.keep_going);
  }
  *counts = Sum(children);
  CountBehaviours(children, *counts);
  return status;
}

}  // namespace shootdown
