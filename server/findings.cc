// Coordinator: service Findings.
#include <utility>

#include "absl/strings/str_format.h"
#include "proto/convert.h"
#include "proto/failure_file.h"
#include "proto/printable.h"
#include "server/coordinator.h"
#include "server/keys.h"
#include "server/limits.h"

namespace shootdown::server {
v1::Finding Coordinator::ToProto(const FindingState& finding, std::string_view campaign_id) const {
  v1::Finding message;
  message.set_id(finding.id);
  if (!finding.campaigns.empty()) message.set_campaign_id(*finding.campaigns.begin());
  if (!campaign_id.empty()) message.set_campaign_id(std::string(campaign_id));
  message.set_state(finding.row.state());
  *message.mutable_failure() = finding.row.brief();
  message.set_found_by(finding.row.found_by());
  message.set_confirmed_by(finding.row.confirmed_by());
  message.set_found_us(finding.row.found_us());
  message.set_model_version(finding.row.model_version());
  message.set_words(finding.row.words());
  if (finding.row.minimized_us() != 0) {
    message.set_group_id(state_.GroupOf(finding, std::string(campaign_id)));
  }
  return message;
}

absl::StatusOr<v1::ListFindingsResponse> Coordinator::ListFindings(
    const v1::ListFindingsRequest& request) {
  const absl::StatusOr<int> page_size = CheckPageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  if (!request.page_token().empty() && !keys::IsHex(request.page_token(), 16)) {
    return absl::InvalidArgumentError("page_token: is none of ours");
  }
  absl::MutexLock lock(&mutex_);
  std::string campaign_id;
  if (!request.campaign_id().empty()) {
    const absl::StatusOr<std::string> id = CampaignId(request.campaign_id());
    if (!id.ok()) return id.status();
    campaign_id = *id;
  }
  v1::ListFindingsResponse response;
  std::size_t bytes = 0;
  for (auto it = state_.findings().upper_bound(request.page_token()); it != state_.findings().end();
       ++it) {
    const FindingState& finding = it->second;
    if (!campaign_id.empty() && !finding.campaigns.contains(campaign_id)) continue;
    v1::Finding message = ToProto(finding, campaign_id);
    if (request.grouped() && !message.group_id().empty() && message.group_id() != finding.id) {
      continue;
    }
    bytes += message.ByteSizeLong();
    if (response.findings_size() > 0 &&
        (response.findings_size() >= *page_size || bytes > kResponseBytesMax)) {
      response.set_next_page_token(response.findings(response.findings_size() - 1).id());
      return response;
    }
    *response.add_findings() = std::move(message);
  }
  return response;
}

absl::StatusOr<v1::Finding> Coordinator::GetFinding(std::string_view id_or_prefix) {
  v1::Finding message;
  {
    absl::MutexLock lock(&mutex_);
    const absl::StatusOr<std::string> id = FindingId(id_or_prefix);
    if (!id.ok()) return id.status();
    message = ToProto(*state_.FindFinding(*id), "");
  }
  const absl::StatusOr<Failure> failure = store_->GetFailure(message.id());
  if (!failure.ok()) return failure.status();
  *message.mutable_failure() = shootdown::ToProto(*failure);
  return message;
}

absl::StatusOr<v1::ExportFindingResponse> Coordinator::ExportFinding(
    std::string_view id_or_prefix) {
  v1::ExportFindingResponse response;
  {
    absl::MutexLock lock(&mutex_);
    const absl::StatusOr<std::string> id = FindingId(id_or_prefix);
    if (!id.ok()) return id.status();
    response.set_id(*id);
  }
  const absl::StatusOr<Failure> failure = store_->GetFailure(response.id());
  if (!failure.ok()) return failure.status();
  absl::StatusOr<std::string> file = SerializeFailureFile(*failure);
  if (!file.ok()) return file.status();
  response.set_failure_file(*std::move(file));
  return response;
}

absl::StatusOr<std::vector<v1::Finding>> Coordinator::AllFindings(std::string_view campaign_id,
                                                                  std::uint64_t& change) {
  absl::MutexLock lock(&mutex_);
  if (!campaign_id.empty() && state_.FindCampaign(campaign_id) == nullptr) {
    return absl::NotFoundError(absl::StrFormat("no campaign \"%s\"", ForMessage(campaign_id)));
  }
  std::vector<v1::Finding> findings;
  for (const auto& [id, finding] : state_.findings()) {
    if (!campaign_id.empty() && !finding.campaigns.contains(std::string(campaign_id))) continue;
    findings.push_back(ToProto(finding, campaign_id));
  }
  if (!state_.changes().empty()) change = state_.changes().rbegin()->first;
  return findings;
}

std::vector<v1::Finding> Coordinator::ChangedFindings(std::string_view campaign_id,
                                                      std::uint64_t& change) {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Finding> findings;
  for (auto it = state_.changes().upper_bound(change); it != state_.changes().end(); ++it) {
    const FindingState& finding = *state_.FindFinding(it->second);
    change = it->first;
    if (!campaign_id.empty() && !finding.campaigns.contains(std::string(campaign_id))) continue;
    findings.push_back(ToProto(finding, campaign_id));
  }
  return findings;
}

}  // namespace shootdown::server
