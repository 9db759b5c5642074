// How much of everything there may be, and how a refusal says when to come back.
#ifndef SHOOTDOWN_SERVER_LIMITS_H_
#define SHOOTDOWN_SERVER_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace shootdown::server {

inline constexpr std::size_t kOpenCampaignCountMax = 64;
inline constexpr std::size_t kCampaignCountMax = 4096;
inline constexpr std::size_t kWorkerCountMax = 4096;
inline constexpr int kStreamCountMax = 32;
inline constexpr int kMessageBytesMax = 4 << 20;

inline constexpr std::size_t kScenarioCountMax = 256;
inline constexpr std::uint32_t kInputCountDefault = 4096;
inline constexpr std::uint32_t kInputCountMax = 65536;
inline constexpr std::uint32_t kFindingCountDefault = 256;
inline constexpr std::uint32_t kFindingCountMax = 4096;

inline constexpr std::size_t kScheduleBytesMax = 8 << 10;
inline constexpr int kFeatureCountMax = 65536;
inline constexpr std::uint32_t kFeatureMax = 1 << 18;  // below this
inline constexpr int kResultCountMax = 64;
inline constexpr int kCheckpointCountMax = 64;
inline constexpr int kOfferCountMax = 1024;
inline constexpr int kContentCountMax = 1024;
inline constexpr int kContentHashCountMax = 65536;
inline constexpr int kReachedCountMax = 128;
inline constexpr int kHeldCountMax = 4096;
inline constexpr std::size_t kWordsBytesMax = 4 << 10;
inline constexpr std::uint32_t kJobCountMax = 1024;
// Workers in quarantine that are remembered. One of which the oldest is forgotten while it is away may
// come back, until it differs again.
inline constexpr std::size_t kQuarantinedCountMax = 1024;
// Syncs that write progress of one scenario at once; more of them hand in their results a little later.
inline constexpr std::size_t kProgressPartMax = 64;

// Syncs of one worker: so many a second, and so many at once after a pause.
inline constexpr double kSyncsPerSecond = 50;
inline constexpr double kSyncBurst = 100;

// Entries of a list in one answer.
inline constexpr std::uint32_t kPageSizeDefault = 100;
inline constexpr std::uint32_t kPageSizeMax = 1000;
// A response's contents; the envelope has room enough beside it.
inline constexpr std::size_t kResponseBytesMax = 3 << 20;

// RESOURCE_EXHAUSTED with the time to come back, for the trailing metadata `retry-after-ms`.
[[nodiscard]] absl::Status Exhausted(const std::string& words, absl::Duration retry_after);
[[nodiscard]] std::optional<std::string> RetryAfterMs(const absl::Status& status);

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_LIMITS_H_
