// The keys of the coordinator's rows (server/rows.proto), in the store's family `service`: the one
// place that knows how they lie on disk.
//
//   epoch                                      EpochRow
//   campaign/<campaign>                        CampaignRow
//   ended/<campaign>                           EndedRow
//   finding/<finding>                          FindingRow
//   found/<campaign>/<finding>                 FoundRow
//   input/<campaign>/<scenario>/<input>        InputRow
//   paused/<campaign>                          PausedRow
//   progress/<campaign>/<scenario>/<part>      ProgressRow
//   refused/<campaign>/<scenario>              RefusedRow
//   worker/<worker>                            WorkerRow
//
// <campaign>, <finding>, <worker>: 16 hexadecimal digits; <scenario>, <input>: 32; <part>: 2. They are
// read back in this order, so a campaign comes before all that belongs to it.
#ifndef SHOOTDOWN_SERVER_KEYS_H_
#define SHOOTDOWN_SERVER_KEYS_H_

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace shootdown::server::keys {

inline constexpr char kEpoch[] = "epoch";
inline constexpr char kCampaign[] = "campaign";
inline constexpr char kEnded[] = "ended";
inline constexpr char kFinding[] = "finding";
inline constexpr char kFound[] = "found";
inline constexpr char kInput[] = "input";
inline constexpr char kPaused[] = "paused";
inline constexpr char kProgress[] = "progress";
inline constexpr char kRefused[] = "refused";
inline constexpr char kWorker[] = "worker";

template <class... Parts>
std::string Key(const char* kind, const Parts&... parts) {
  std::string key = kind;
  (absl::StrAppend(&key, "/", std::string(parts)), ...);
  return key;
}

inline bool IsHex(std::string_view text, std::size_t digit_count) {
  return text.size() == digit_count &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace shootdown::server::keys

#endif  // SHOOTDOWN_SERVER_KEYS_H_
