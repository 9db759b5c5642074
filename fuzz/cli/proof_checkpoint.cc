#include "fuzz/cli/proof_checkpoint.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/base/content_hash.h"
#include "proto/file_io.h"

namespace shootdown {
namespace {

constexpr std::string_view kMagic = "shootdown-proof 5";
constexpr std::size_t kFileBytesMax = std::size_t{8} << 30;
constexpr std::size_t kProgramBytesMax = std::size_t{1} << 30;

// The next line of `bytes`, which loses it.
std::string_view TakeLine(std::string_view& bytes) {
  const std::size_t end = std::min(bytes.find('\n'), bytes.size());
  const std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(std::min(end + 1, bytes.size()));
  return line;
}

}  // namespace

absl::StatusOr<std::string> BuildHash() {
  const absl::StatusOr<std::string> program = ReadWholeFile("/proc/self/exe", kProgramBytesMax);
  if (!program.ok()) return program.status();
  return ToHex(HashBytes(*program));
}

// Six lines (magic, build, engine, identity, seconds, hash of the rest), and what the search's Save made.
absl::Status ProofCheckpoint::Write(const explore::ResumableSearch& search, double seconds) const {
  std::string saved;
  search.Save(saved);
  std::string bytes = absl::StrFormat("%s\n%s\n%s\n%s\n%.3f\n%s\n", std::string(kMagic), build_, engine_,
                                      identity_, seconds, ToHex(HashBytes(saved)));
  bytes += saved;
  return WriteWholeFile(path_, bytes);
}

absl::StatusOr<double> ProofCheckpoint::Read(explore::ResumableSearch* search) {
  absl::StatusOr<std::string> own_build = BuildHash();
  if (!own_build.ok()) return own_build.status();
  build_ = *std::move(own_build);
  if (access(path_.c_str(), F_OK) != 0) return 0.0;
  const absl::StatusOr<std::string> file = ReadWholeFile(path_, kFileBytesMax);
  if (!file.ok()) return file.status();
  std::string_view rest = *file;
  if (TakeLine(rest) != kMagic) {
    return absl::InvalidArgumentError(path_ +
                                      ": found no checkpoint of a proof, wanted one, or no file");
  }
  const std::string_view build = TakeLine(rest);
  // Another engine may be another program, and so have another hash, of the same build.
  if (const std::string_view engine = TakeLine(rest); engine != engine_) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: found a proof of --engine %s, wanted %s", path_,
                                                      std::string(engine), engine_));
  }
  if (build != build_) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: found a checkpoint of another build of shootdown (%s), wanted one of this build (%s)", path_,
        std::string(build), build_));
  }
  if (const std::string_view identity = TakeLine(rest); identity != identity_) {
    return absl::InvalidArgumentError(absl::StrFormat(R"(%s: found a proof of "%s", wanted "%s")",
                                                      path_, std::string(identity), identity_));
  }
  const double seconds = std::strtod(std::string(TakeLine(rest)).c_str(), nullptr);
  const std::string_view hash = TakeLine(rest);
  if (hash != ToHex(HashBytes(rest)) || !search->Load(rest)) {
    return absl::InvalidArgumentError(path_ +
                                      ": found a damaged file, wanted one as it was written");
  }
  return seconds;
}

void ProofCheckpoint::Remove() const { (void)unlink(path_.c_str()); }

}  // namespace shootdown
