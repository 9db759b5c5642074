#include "proto/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"

namespace shootdown {
namespace {

constexpr char kTemporary[] = ".tmp-";

// Closes what it holds. close() after an error has nothing more to say.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }
  // The last word of a written file: some file systems report a failed write only here.
  [[nodiscard]] bool Close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// A new file beside `path`; `name` becomes its name. Two processes, or a leftover of a killed one,
// never share a name.
FileDescriptor CreateTemporary(const std::string& path, std::string& name) {
  for (int attempt = 0;; ++attempt) {
    name = absl::StrFormat("%s%s%d-%d", path, kTemporary, ::getpid(), attempt);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return FileDescriptor(fd);
  }
}

// A device or a folder would not be replaced, but taken away.
absl::Status MayReplace(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat("%s: is no regular file, so it is not replaced", path));
}

}  // namespace

absl::Status ErrnoStatus(int error, std::string_view what) {
  const std::string message =
      absl::StrFormat("%s: %s", what, std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

bool IsLeftover(std::string_view name, std::string_view file) {
  return name.starts_with(file) && name.substr(file.size()).starts_with(kTemporary);
}

absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& folder, std::string_view what) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return ErrnoStatus(error.value(), what);
  return names;
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, std::size_t bytes_max) {
  // O_NONBLOCK: a named pipe without a writer must not hold us up.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) return ErrnoStatus(errno, path);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return ErrnoStatus(errno, path);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: is %s, wanted a file", path, S_ISDIR(info.st_mode) ? "a folder" : "no regular file"));
  }

  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, path);
    }
    if (count == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(count));
    if (bytes.size() > bytes_max) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s: more than %d bytes, wanted at most that", path, bytes_max));
    }
  }
}

absl::Status CanWriteWholeFile(const std::string& path) {
  if (absl::Status status = MayReplace(path); !status.ok()) return status;
  std::string temporary;
  const FileDescriptor file = CreateTemporary(path, temporary);
  if (!file.ok()) return ErrnoStatus(errno, path);
  return ::unlink(temporary.c_str()) == 0 ? absl::OkStatus() : ErrnoStatus(errno, path);
}

absl::Status WriteWholeFile(const std::string& path, std::string_view bytes) {
  if (absl::Status status = MayReplace(path); !status.ok()) return status;
  std::string temporary;
  FileDescriptor file = CreateTemporary(path, temporary);
  if (!file.ok()) return ErrnoStatus(errno, path);
  if (!WriteAll(file.get(), bytes) || ::fsync(file.get()) != 0 || !file.Close() ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return ErrnoStatus(error, path);
  }
  // Without this, a power cut could take the name away again.
  const FileDescriptor folder(::open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok() || ::fsync(folder.get()) != 0) {
    return ErrnoStatus(errno, absl::StrFormat("%s: syncing its folder", path));
  }
  return absl::OkStatus();
}

}  // namespace shootdown
