// Several processes that make one proof: each knows all that is known, makes its share of the
// runs, and tells the others through this process, which is job 0.
//
// Only a process with one thread may start them (fuzz/process/child_process.h). They end with this
// one, however it ends.
#ifndef SHOOTDOWN_FUZZ_PROCESS_SHARED_PROOF_H_
#define SHOOTDOWN_FUZZ_PROCESS_SHARED_PROOF_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/explore/share.h"

namespace shootdown {

class SharedProof {
 public:
  // Runs in each of the other processes, with its share of whatever job 0 proves next. When it
  // returns the process ends.
  using Body = std::function<void(const explore::Share& share)>;

  // REQUIRES: job_count >= 2.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<SharedProof>> Start(std::uint32_t job_count,
                                                                          const Body& body);
  // Ends the other processes.
  ~SharedProof();
  SharedProof(const SharedProof&) = delete;
  SharedProof& operator=(const SharedProof&) = delete;

  // Of job 0. `should_stop` is asked after each round: true ends the search, for all jobs.
  [[nodiscard]] explore::Share Share(std::function<bool()> should_stop);
  // INTERNAL once one of the other processes has died.
  [[nodiscard]] const absl::Status& status() const { return status_; }

 private:
  struct Job {
    pid_t pid;
    int socket;
  };
  SharedProof() = default;
  [[nodiscard]] bool Exchange(const std::string& own, std::vector<std::string>& all,
                              const std::function<bool()>& should_stop);

  std::vector<Job> jobs_;  // job 1 and above
  absl::Status status_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_SHARED_PROOF_H_
