#include "fuzz/process/shared_proof.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/process/fork_child.h"

namespace shootdown {
namespace {

// False: nobody is there any more.
bool WriteAll(int fd, const char* bytes, std::size_t size) {
  while (size != 0) {
    const ssize_t done = send(fd, bytes, size, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

bool ReadAll(int fd, char* bytes, std::size_t size) {
  while (size != 0) {
    const ssize_t done = read(fd, bytes, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

bool Send(int fd, const std::string& message) {
  const std::uint64_t size = message.size();
  return WriteAll(fd, reinterpret_cast<const char*>(&size), sizeof size) &&
         WriteAll(fd, message.data(), message.size());
}

bool Receive(int fd, std::string& message) {
  std::uint64_t size = 0;
  if (!ReadAll(fd, reinterpret_cast<char*>(&size), sizeof size)) return false;
  message.resize(size);
  return ReadAll(fd, message.data(), message.size());
}

// Job 0 says after each round whether there is another one.
constexpr char kGoOn = 1;
constexpr char kStop = 0;

absl::Status Died(std::size_t job) {
  return absl::InternalError(absl::StrFormat(
      "job %d of the proof has died: this is a fault of ours, or of the machine", job));
}

[[noreturn]] void RunJob(std::uint32_t job, std::uint32_t job_count, int socket,
                         const SharedProof::Body& body) {
  body({.job = job,
        .job_count = job_count,
        .exchange = [socket, job_count](const std::string& own, std::vector<std::string>& all) {
          char answer = kStop;
          if (!Send(socket, own) || !ReadAll(socket, &answer, 1)) _exit(0);
          if (answer == kStop) return false;
          all.resize(job_count);
          for (std::string& one : all) {
            if (!Receive(socket, one)) _exit(0);
          }
          return true;
        }});
  _exit(0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SharedProof>> SharedProof::Start(std::uint32_t job_count,
                                                                const Body& body) {
  std::unique_ptr<SharedProof> proof(new SharedProof());
  for (std::uint32_t job = 1; job < job_count; ++job) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return absl::UnavailableError(std::string("cannot make a socket: ") + std::strerror(errno));
    }
    const absl::StatusOr<pid_t> pid = ForkChild();
    if (!pid.ok()) {
      close(ends[0]);
      close(ends[1]);
      return pid.status();
    }
    if (*pid == 0) {
      close(ends[0]);
      for (const Job& other : proof->jobs_) close(other.socket);
      RunJob(job, job_count, ends[1], body);
    }
    close(ends[1]);
    proof->jobs_.push_back({*pid, ends[0]});
  }
  return proof;
}

SharedProof::~SharedProof() {
  for (const Job& job : jobs_) {
    close(job.socket);
    kill(job.pid, SIGKILL);  // it may be in the midst of a run
    while (waitpid(job.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

explore::Share SharedProof::Share(std::function<bool()> should_stop) {
  return {.job = 0,
          .job_count = static_cast<std::uint32_t>(jobs_.size() + 1),
          .exchange = [this, should_stop = std::move(should_stop)](const std::string& own,
                                                                   std::vector<std::string>& all) {
            return Exchange(own, all, should_stop);
          }};
}

bool SharedProof::Exchange(const std::string& own, std::vector<std::string>& all,
                           const std::function<bool()>& should_stop) {
  all.assign(1, own);
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    std::string message;
    if (!Receive(jobs_[i].socket, message)) {
      status_ = Died(i + 1);
      return false;
    }
    all.push_back(std::move(message));
  }
  const char answer = should_stop() ? kStop : kGoOn;
  for (std::size_t k = 0; k < jobs_.size(); ++k) {
    const int socket = jobs_[k].socket;
    bool sent = WriteAll(socket, &answer, 1);
    for (std::size_t i = 0; sent && answer == kGoOn && i < all.size(); ++i) {
      sent = Send(socket, all[i]);
    }
    if (!sent) {
      status_ = Died(k + 1);
      return false;
    }
  }
  return answer == kGoOn;
}

}  // namespace shootdown
