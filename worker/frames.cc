#include "worker/frames.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace shootdown {
namespace {

constexpr std::size_t kHeadBytes = 1 + sizeof(std::uint32_t);

std::size_t PayloadBytes(const char* head) {
  std::uint32_t size = 0;
  std::memcpy(&size, head + 1, sizeof size);
  return size;
}

}  // namespace

std::string EncodeFrame(FrameType type, std::string_view payload) {
  std::string bytes(1, static_cast<char>(type));
  const auto size = static_cast<std::uint32_t>(payload.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
  bytes += payload;
  return bytes;
}

FrameReader::Status FrameReader::ReadFrom(int fd) {
  bytes_.erase(0, at_);
  at_ = 0;
  char buffer[65536];
  const ssize_t n = read(fd, buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return Status::kOpen;
  if (n <= 0) return Status::kClosed;
  bytes_.append(buffer, static_cast<std::size_t>(n));
  if (bytes_.size() >= kHeadBytes && PayloadBytes(bytes_.data()) > kFrameBytesMax) {
    return Status::kClosed;
  }
  return Status::kOpen;
}

std::optional<Frame> FrameReader::Next() {
  if (bytes_.size() - at_ < kHeadBytes) return std::nullopt;
  const std::size_t size = PayloadBytes(bytes_.data() + at_);
  if (bytes_.size() - at_ - kHeadBytes < size) return std::nullopt;
  Frame frame{.type = static_cast<FrameType>(bytes_[at_]),
              .payload = bytes_.substr(at_ + kHeadBytes, size)};
  at_ += kHeadBytes + size;
  return frame;
}

}  // namespace shootdown
