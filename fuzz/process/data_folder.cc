#include "fuzz/process/data_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace shootdown {

std::string DataFolder(const std::string& name) {
  namespace fs = std::filesystem;
  fs::path data;
  if (const char* const xdg = std::getenv("XDG_DATA_HOME"); xdg != nullptr && *xdg != '\0') {
    data = xdg;
  } else if (const char* const home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    data = fs::path(home) / ".local/share";
  } else {
    return "shootdown-" + name;
  }
  std::error_code error;
  fs::create_directories(data / "shootdown", error);  // who opens it says if that failed
  return (data / "shootdown" / name).string();
}

}  // namespace shootdown
