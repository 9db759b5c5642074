// A folder of its own for one test, gone afterwards.
#ifndef SHOOTDOWN_TESTS_SUPPORT_SCRATCH_FOLDER_H_
#define SHOOTDOWN_TESTS_SUPPORT_SCRATCH_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "fuzz/base/check.h"

namespace shootdown {

class ScratchFolder {
 public:
  ScratchFolder() : path_(std::filesystem::temp_directory_path() / "shootdown-test-XXXXXX") {
    SHOOTDOWN_CHECK(::mkdtemp(path_.data()) != nullptr);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_TESTS_SUPPORT_SCRATCH_FOLDER_H_
