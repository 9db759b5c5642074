// Whether a folder is a worker's, before anything is written into it.
//
//   SHOOTDOWN-WORKER   the marker: `schema N`, and words for people. Comes first
//   journal/           RocksDB (worker/journal.h)
//   receipts           lines (proto/receipt.h)
//
// Workers before the marker had only the other two. Their folder gets one.
#ifndef SHOOTDOWN_WORKER_STATE_FOLDER_H_
#define SHOOTDOWN_WORKER_STATE_FOLDER_H_

#include <string>

#include "absl/status/status.h"

namespace shootdown {

// Grows when an older worker would misread what is in the folder.
inline constexpr int kStateSchemaVersion = 1;

// Makes `folder` a state folder with an empty journal folder in it, if it is missing or empty. What
// it creates is for its owner alone, since the worker's secret is in there; what is there already
// keeps its permissions. FAILED_PRECONDITION: a file, a folder with other things in it, or one of a
// newer schema; nothing of it was changed then. The codes of proto/file_io.h otherwise.
[[nodiscard]] absl::Status PrepareStateFolder(const std::string& folder);

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_STATE_FOLDER_H_
