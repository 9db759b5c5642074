// Is a data folder whole, and does it hold what workers were told that it holds?
#ifndef SHOOTDOWN_SERVER_FSCK_H_
#define SHOOTDOWN_SERVER_FSCK_H_

#include <string>
#include <vector>

namespace shootdown::server {

// Reads everything, changes nothing, and prints what it looked at; on standard error what is wrong.
// Receipts are lines (proto/receipt.h). Exit status: 0 all is well, 2 no such folder or
// file, 3 damage, or something that was acknowledged is missing.
[[nodiscard]] int Fsck(const std::string& data, const std::vector<std::string>& receipt_files);

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_FSCK_H_
