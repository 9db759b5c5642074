#include "fuzz/cli/remote_failures.h"

#include "proto/convert.h"
#include "proto/failure_file.h"
#include "proto/rpc/state_names.h"
#include "shootdown/v1/finding.grpc.pb.h"

namespace shootdown {
namespace {

using Stub = v1::Findings::Stub;

}  // namespace

absl::StatusOr<std::vector<ListedFailure>> ListRemoteFailures(const CoordinatorFlags& flags,
                                                               Listing listing) {
  absl::StatusOr<CoordinatorConnection> connection = CoordinatorConnection::Open(flags);
  if (!connection.ok()) return connection.status();
  std::vector<ListedFailure> listed;
  v1::ListFindingsRequest request;
  request.set_grouped(listing == Listing::kOneOfEachBug);
  do {
    const auto response = connection->Call(&Stub::ListFindings, request);
    if (!response.ok()) return response.status();
    for (const v1::Finding& finding : response->findings()) {
      listed.push_back({.id = finding.id(),
                        .state = StateName(finding.state()),
                        .failure = FromProto(finding.failure()),
                        .words = finding.words()});
    }
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  return listed;
}

absl::StatusOr<ListedFailure> GetRemoteFailure(const CoordinatorFlags& flags, const std::string& id) {
  absl::StatusOr<CoordinatorConnection> connection = CoordinatorConnection::Open(flags);
  if (!connection.ok()) return connection.status();
  v1::GetFindingRequest request;
  request.set_id(id);
  const auto known = connection->Call(&Stub::GetFinding, request);
  if (!known.ok()) return known.status();
  const v1::Finding& finding = known->finding();
  v1::ExportFindingRequest of_the_same;
  of_the_same.set_id(finding.id());
  const auto response = connection->Call(&Stub::ExportFinding, of_the_same);
  if (!response.ok()) return response.status();
  // The file form: its checksum says that all of it has come.
  absl::StatusOr<Failure> failure =
      ParseFailureFile(response->failure_file(), "finding " + finding.id());
  if (!failure.ok()) return failure.status();
  return ListedFailure{.id = finding.id(),
                       .state = StateName(finding.state()),
                       .failure = *std::move(failure),
                       .words = finding.words()};
}

}  // namespace shootdown
