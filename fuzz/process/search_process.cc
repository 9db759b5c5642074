#include "fuzz/process/search_process.h"

#include <fcntl.h>
#include <poll.h>
#include <csignal>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_format.h"
#include "fuzz/base/hash.h"
#include "fuzz/engine/search.h"

namespace shootdown {
namespace {

enum class Message : std::uint8_t { kFound = 1, kInput = 2 };

// What a job counts, for its parent to read at any time.
struct JobCounts {
  std::atomic<std::uint64_t> runs;
  std::atomic<std::uint64_t> features;
  std::atomic<std::uint64_t> inputs;
};

struct Job {
  pid_t pid = -1;
  int pipe = -1;
  int words = -1;  // the child's standard error, a file in memory
  std::string received;
  bool done = false;
};

// ---- in the child ------------------------------------------------------------------------------

void WriteAll(int fd, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = write(fd, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(0);  // the parent has gone
    at += static_cast<std::size_t>(n);
  }
}

void Send(int fd, Message message, const std::string& payload) {
  std::string bytes(1, static_cast<char>(message));
  const auto size = static_cast<std::uint32_t>(payload.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
  WriteAll(fd, bytes + payload);
}

[[noreturn]] void RunJob(Simulation& simulation, const SearchRequest& request, int number, int fd,
                         JobCounts* counts) {
  // libFuzzer ends with exit(). What the parent has open (a store, with threads that are not here) is
  // not ours to take down.
  std::atexit([] { _exit(0); });
  signal(SIGINT, SIG_IGN);  // the parent ends us, after it has read what we sent
  signal(SIGPIPE, SIG_IGN);
  SearchOptions options{.seed = request.seed, .second_count_max = request.second_count_max};
  if (number != 0) options.seed = Combine(request.seed, static_cast<std::uint64_t>(number));
  if (request.run_count_max != 0) {
    const auto jobs = static_cast<std::uint64_t>(request.job_count);
    const auto n = static_cast<std::uint64_t>(number);
    options.run_count_max = request.run_count_max / jobs + (n < request.run_count_max % jobs ? 1 : 0);
    if (options.run_count_max == 0) _exit(0);  // no share of a small budget; 0 would mean no limit
  }
  static SearchListener listener;
  listener.found = [&](const Target::Found& found) {
    const std::vector<std::uint8_t> exact = found.exact.Encode();
    std::string payload(reinterpret_cast<const char*>(&found.run), sizeof found.run);
    const auto key_size = static_cast<std::uint32_t>(found.kind_key.size());
    payload.append(reinterpret_cast<const char*>(&key_size), sizeof key_size);
    payload += found.kind_key;
    payload.append(exact.begin(), exact.end());
    if (!request.keep_going) counts->runs = found.run;
    Send(fd, Message::kFound, payload);
    if (!request.keep_going) _exit(0);
  };
  listener.input = [&](std::span<const std::uint8_t> input) {
    counts->inputs.fetch_add(1, std::memory_order_relaxed);
    Send(fd, Message::kInput, std::string(input.begin(), input.end()));
  };
  listener.ran = [&](const Target& target) {
    counts->runs.store(target.run_count(), std::memory_order_relaxed);
    counts->features.store(target.feature_count(), std::memory_order_relaxed);
  };
  if (request.strategy == Strategy::kLibFuzzer) LibFuzzerSearch(simulation, options, listener);
  RandomSearch(simulation, options, listener);
  _exit(0);
}

// ---- in the parent -----------------------------------------------------------------------------

absl::Status Start(Simulation& simulation, const SearchRequest& request, int number,
                   JobCounts* counts, Job* job) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrFormat("cannot make a pipe: %s", std::strerror(errno)));
  }
  job->words = memfd_create("shootdown-job", MFD_CLOEXEC);
  const pid_t parent = getpid();
  job->pid = fork();
  if (job->pid < 0) {
    return absl::InternalError(absl::StrFormat("cannot start a process: %s", std::strerror(errno)));
  }
  if (job->pid == 0) {
    close(ends[0]);
    // libFuzzer's chatter is of interest only if the job crashes.
    dup2(job->words, STDERR_FILENO);
    dup2(job->words, STDOUT_FILENO);
    // In this order: a parent that dies between the two is noticed by the second.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    RunJob(simulation, request, number, ends[1], counts);
  }
  close(ends[1]);
  job->pipe = ends[0];
  return absl::OkStatus();
}

// Takes whole messages off the front of what was received.
absl::Status TakeMessages(Job* job, const SearchHandler& handler, bool* found_any) {
  std::size_t at = 0;
  absl::Status status = absl::OkStatus();
  while (job->received.size() - at >= 5 && status.ok()) {
    std::uint32_t size = 0;
    std::memcpy(&size, job->received.data() + at + 1, sizeof size);
    if (job->received.size() - at - 5 < size) break;
    const auto message = static_cast<Message>(job->received[at]);
    const std::string payload = job->received.substr(at + 5, size);
    at += 5 + size;
    if (message == Message::kInput) {
      if (handler.input) handler.input({payload.begin(), payload.end()});
      continue;
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
    status = handler.found(Schedule::Decode(bytes), key, run);
  }
  job->received.erase(0, at);
  return status;
}

std::string LastWords(int fd) {
  std::string text(4096, '\0');
  const off_t end = lseek(fd, 0, SEEK_END);
  const off_t from = end > 4096 ? end - 4096 : 0;
  const ssize_t n = pread(fd, text.data(), text.size(), from);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

absl::Status Finish(Job* job, bool killed) {
  int status = 0;
  while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR) {
  }
  const bool good = (WIFEXITED(status) && WEXITSTATUS(status) == 0) || killed;
  std::string words = good ? "" : LastWords(job->words);
  close(job->words);
  job->done = true;
  if (good) return absl::OkStatus();
  return absl::InternalError(absl::StrFormat(
      "a search process ended with %s %d; this is a fault of ours. It last said:\n%s",
      WIFSIGNALED(status) ? "signal" : "status",
      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), words));
}

SearchCounts Sum(const JobCounts* counts, int jobs) {
  SearchCounts sum;
  for (int j = 0; j < jobs; ++j) {
    sum.runs += counts[j].runs;
    sum.inputs += counts[j].inputs;
    sum.features = std::max<std::uint64_t>(sum.features, counts[j].features);
  }
  return sum;
}

}  // namespace

absl::Status Search(Simulation& simulation, const SearchRequest& request,
                    const SearchHandler& handler, SearchCounts* counts) {
  const auto job_count = static_cast<std::size_t>(request.job_count);
  const std::size_t bytes = sizeof(JobCounts) * job_count;
  void* const shared =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return absl::InternalError("cannot map memory for a search");
  auto* const job_counts = static_cast<JobCounts*>(shared);

  absl::Status status = absl::OkStatus();
  std::vector<Job> jobs(job_count);
  for (std::size_t j = 0; j < job_count && status.ok(); ++j) {
    status = Start(simulation, request, static_cast<int>(j), &job_counts[j], &jobs[j]);
  }
  bool stop = !status.ok();
  bool found_any = false;
  for (;;) {
    std::vector<pollfd> polled;
    for (const Job& job : jobs) {
      if (job.pid > 0 && !job.done) polled.push_back({.fd = job.pipe, .events = POLLIN, .revents = 0});
    }
    if (polled.empty()) break;
    if (stop) {
      for (const Job& job : jobs) {
        if (job.pid > 0 && !job.done) kill(job.pid, SIGKILL);
      }
    }
    (void)poll(polled.data(), polled.size(), 100);
    for (Job& job : jobs) {
      if (job.pid <= 0 || job.done) continue;
      const auto* const p = std::find_if(polled.data(), polled.data() + polled.size(),
                                         [&job](const pollfd& q) { return q.fd == job.pipe; });
      if (p->revents == 0) continue;
      char buffer[65536];
      const ssize_t n = read(job.pipe, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n > 0) {
        job.received.append(buffer, static_cast<std::size_t>(n));
        if (status.ok()) status = TakeMessages(&job, handler, &found_any);
        continue;
      }
      close(job.pipe);
      const absl::Status ended = Finish(&job, stop);
      if (status.ok()) status = ended;
    }
    stop = stop || !status.ok() || (handler.interrupted && handler.interrupted()) ||
           (found_any && !request.keep_going);
    if (handler.progress) handler.progress(Sum(job_counts, request.job_count));
  }
  *counts = Sum(job_counts, request.job_count);
  munmap(shared, bytes);
  return status;
}

}  // namespace shootdown
