// A file that holds how far a proof has come, so that it goes on after a kill or a power cut.
#ifndef SHOOTDOWN_FUZZ_CLI_PROOF_CHECKPOINT_H_
#define SHOOTDOWN_FUZZ_CLI_PROOF_CHECKPOINT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/explore/resumable_search.h"

namespace shootdown {

// This very program, as a hash: what a search has saved means nothing to another build, and the states
// of another build have other digests.
[[nodiscard]] absl::StatusOr<std::string> BuildHash();

class ProofCheckpoint {
 public:
  // `engine` is the search's name, and `identity` says in words what is proved: a file with others is refused.
  ProofCheckpoint(std::string path, std::string engine, std::string identity)
      : path_(std::move(path)), engine_(std::move(engine)), identity_(std::move(identity)) {}

  // Has `search`, which has not run yet, go on where the file stands. Returns how many seconds that
  // took; 0 if there is no file. INVALID_ARGUMENT if it is none of ours, damaged, of another
  // engine, of another proof, or of another build of this program.
  [[nodiscard]] absl::StatusOr<double> Read(explore::ResumableSearch* search);
  // In one step: whenever the power goes, a whole file is there. REQUIRES: Read was called.
  [[nodiscard]] absl::Status Write(const explore::ResumableSearch& search, double seconds) const;
  // The proof has come to its end.
  void Remove() const;

 private:
  std::string path_;
  std::string engine_;
  std::string identity_;
  std::string build_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_PROOF_CHECKPOINT_H_
