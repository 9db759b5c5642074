// How an engine host and its worker talk through a pair of pipes: frames of a type, a size, and an
// encoded message of work.proto.
#ifndef SHOOTDOWN_WORKER_FRAMES_H_
#define SHOOTDOWN_WORKER_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shootdown {

enum class FrameType : std::uint8_t {
  // To the host.
  kKnownFeatures = 1,  // FeatureTail: what is known to the lease that comes next
  kLease = 2,          // Lease
  kCancel = 3,         // empty: end the lease now; its result comes all the same
  // From the host.
  kModelVersion = 16,  // text; once, at the start
  kProgress = 17,      // LeaseHeld; also a sign of life
  kFinding = 18,       // FoundFailure
  kInput = 19,         // Input
  kResult = 20,        // LeaseResult: the last of its lease
};

struct Frame {
  FrameType type = FrameType::kCancel;
  std::string payload;
};

[[nodiscard]] std::string EncodeFrame(FrameType type, std::string_view payload);

// Takes bytes as they come, and gives whole frames.
class FrameReader {
 public:
  enum class Status { kOpen, kClosed };
  // Reads once what `fd` has. kClosed: the other side has gone, or talks nonsense.
  [[nodiscard]] Status ReadFrom(int fd);
  // The next whole frame.
  [[nodiscard]] std::optional<Frame> Next();

 private:
  static constexpr std::size_t kFrameBytesMax = std::size_t{64} << 20;
  std::string bytes_;
  std::size_t at_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_FRAMES_H_
