// Where the user's data lies.
#ifndef SHOOTDOWN_FUZZ_PROCESS_DATA_FOLDER_H_
#define SHOOTDOWN_FUZZ_PROCESS_DATA_FOLDER_H_

#include <string>

namespace shootdown {

// `shootdown/NAME` in the user's data folder, whose `shootdown` is made if it is missing; without a
// home, `shootdown-NAME` here.
[[nodiscard]] std::string DataFolder(const std::string& name);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_DATA_FOLDER_H_
