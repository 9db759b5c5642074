#include "server/grpc_coordinator.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "server/door.h"
#include "server/limits.h"
#include "server/refusals.h"
#include "server/server_credentials.h"
#include "shootdown/v1/admin.grpc.pb.h"
#include "shootdown/v1/campaign.grpc.pb.h"
#include "shootdown/v1/finding.grpc.pb.h"
#include "shootdown/v1/work.grpc.pb.h"

namespace shootdown::server {
namespace {

constexpr std::initializer_list<Role> kWorkers = {Role::kWorker};
constexpr std::initializer_list<Role> kOperators = {Role::kOperator};
constexpr std::initializer_list<Role> kReaders = {Role::kOperator, Role::kViewer};

// Moves what there is into `out`.
template <class Message>
absl::Status Into(absl::StatusOr<Message> result, Message* out) {
  if (!result.ok()) return result.status();
  *out = *std::move(result);
  return absl::OkStatus();
}

class WorkService final : public v1::Work::Service {
 public:
  WorkService(Coordinator& coordinator, Door& door) : coordinator_(coordinator), door_(door) {}

  grpc::Status Sync(grpc::ServerContext* context, const v1::SyncRequest* request,
                    v1::SyncResponse* response) override {
    return door_.Call(*context, "Sync", kWorkers, [&](const std::string& identity) {
      return Into(coordinator_.Sync(*request, identity, absl::Now()), response);
    });
  }

 private:
  Coordinator& coordinator_;
  Door& door_;
};

class CampaignsService final : public v1::Campaigns::Service {
 public:
  CampaignsService(Coordinator& coordinator, Door& door) : coordinator_(coordinator), door_(door) {}

  grpc::Status CreateCampaign(grpc::ServerContext* context,
                              const v1::CreateCampaignRequest* request,
                              v1::CreateCampaignResponse* response) override {
    return door_.Call(*context, "CreateCampaign", kOperators, [&](const std::string&) {
      return Into(coordinator_.CreateCampaign(*request, absl::Now()), response->mutable_campaign());
    });
  }
  grpc::Status GetCampaign(grpc::ServerContext* context, const v1::GetCampaignRequest* request,
                           v1::GetCampaignResponse* response) override {
    return door_.Call(*context, "GetCampaign", kReaders, [&](const std::string&) {
      return Into(coordinator_.GetCampaign(request->id(), Coordinator::Tasks::kYes, absl::Now()),
                  response->mutable_campaign());
    });
  }
  grpc::Status ListCampaigns(grpc::ServerContext* context, const v1::ListCampaignsRequest* request,
                             v1::ListCampaignsResponse* response) override {
    return door_.Call(*context, "ListCampaigns", kReaders, [&](const std::string&) {
      return Into(coordinator_.ListCampaigns(*request, absl::Now()), response);
    });
  }
  grpc::Status WatchCampaign(grpc::ServerContext* context, const v1::WatchCampaignRequest* request,
                             grpc::ServerWriter<v1::WatchCampaignResponse>* writer) override {
    return door_.Call(*context, "WatchCampaign", kReaders, [&](const std::string&) -> absl::Status {
      const std::uint32_t interval_ms = request->interval_ms() == 0 ? 1000 : request->interval_ms();
      if (interval_ms < 100 || interval_ms > 60'000) {
        return absl::InvalidArgumentError(
            absl::StrFormat("interval_ms: %d, wanted 100 to 60000", interval_ms));
      }
      std::string id = request->id();
      return door_.Stream(*context, absl::Milliseconds(interval_ms), [&]() -> absl::StatusOr<bool> {
        absl::StatusOr<v1::Campaign> campaign =
            coordinator_.GetCampaign(id, Coordinator::Tasks::kNo, absl::Now());
        if (!campaign.ok()) return campaign.status();
        id = campaign->id();  // the prefix may fit several later
        v1::WatchCampaignResponse response;
        *response.mutable_campaign() = *std::move(campaign);
        const bool ended = response.campaign().ended_us() != 0;
        return writer->Write(response) && !ended;
      });
    });
  }
  grpc::Status PauseCampaign(grpc::ServerContext* context, const v1::PauseCampaignRequest* request,
                             v1::PauseCampaignResponse* response) override {
    return Set(*context, "PauseCampaign", request->id(), v1::CAMPAIGN_STATE_PAUSED,
               response->mutable_campaign());
  }
  grpc::Status ResumeCampaign(grpc::ServerContext* context,
                              const v1::ResumeCampaignRequest* request,
                              v1::ResumeCampaignResponse* response) override {
    return Set(*context, "ResumeCampaign", request->id(), v1::CAMPAIGN_STATE_RUNNING,
               response->mutable_campaign());
  }
  grpc::Status StopCampaign(grpc::ServerContext* context, const v1::StopCampaignRequest* request,
                            v1::StopCampaignResponse* response) override {
    return Set(*context, "StopCampaign", request->id(), v1::CAMPAIGN_STATE_STOPPED,
               response->mutable_campaign());
  }
  grpc::Status DeleteCampaign(grpc::ServerContext* context,
                              const v1::DeleteCampaignRequest* request,
                              v1::DeleteCampaignResponse* response) override {
    return door_.Call(*context, "DeleteCampaign", kOperators, [&](const std::string&) {
      return Into(coordinator_.DeleteCampaign(request->id()), response);
    });
  }

 private:
  grpc::Status Set(grpc::ServerContext& context, const char* method, const std::string& id,
                   v1::CampaignState wanted, v1::Campaign* out) {
    return door_.Call(context, method, kOperators, [&](const std::string&) {
      return Into(coordinator_.SetCampaignState(id, wanted, absl::Now()), out);
    });
  }

  Coordinator& coordinator_;
  Door& door_;
};

class FindingsService final : public v1::Findings::Service {
 public:
  FindingsService(Coordinator& coordinator, Door& door) : coordinator_(coordinator), door_(door) {}

  grpc::Status ListFindings(grpc::ServerContext* context, const v1::ListFindingsRequest* request,
                            v1::ListFindingsResponse* response) override {
    return door_.Call(*context, "ListFindings", kReaders, [&](const std::string&) {
      return Into(coordinator_.ListFindings(*request), response);
    });
  }
  grpc::Status GetFinding(grpc::ServerContext* context, const v1::GetFindingRequest* request,
                          v1::GetFindingResponse* response) override {
    return door_.Call(*context, "GetFinding", kReaders, [&](const std::string&) {
      return Into(coordinator_.GetFinding(request->id()), response->mutable_finding());
    });
  }
  grpc::Status WatchFindings(grpc::ServerContext* context, const v1::WatchFindingsRequest* request,
                             grpc::ServerWriter<v1::WatchFindingsResponse>* writer) override {
    return door_.Call(*context, "WatchFindings", kReaders, [&](const std::string&) -> absl::Status {
      std::uint64_t change = 0;
      bool first = true;
      return door_.Stream(*context, absl::Milliseconds(250), [&]() -> absl::StatusOr<bool> {
        std::vector<v1::Finding> findings;
        if (std::exchange(first, false)) {
          auto all = coordinator_.AllFindings(request->campaign_id(), change);
          if (!all.ok()) return all.status();
          findings = *std::move(all);
        } else {
          findings = coordinator_.ChangedFindings(request->campaign_id(), change);
        }
        for (v1::Finding& finding : findings) {
          v1::WatchFindingsResponse response;
          *response.mutable_finding() = std::move(finding);
          if (!writer->Write(response)) return false;
        }
        return true;
      });
    });
  }
  grpc::Status ExportFinding(grpc::ServerContext* context, const v1::ExportFindingRequest* request,
                             v1::ExportFindingResponse* response) override {
    return door_.Call(*context, "ExportFinding", kReaders, [&](const std::string&) {
      return Into(coordinator_.ExportFinding(request->id()), response);
    });
  }

 private:
  Coordinator& coordinator_;
  Door& door_;
};

class AdminService final : public v1::Admin::Service {
 public:
  AdminService(Coordinator& coordinator, Door& door) : coordinator_(coordinator), door_(door) {}

  grpc::Status GetStats(grpc::ServerContext* context, const v1::GetStatsRequest*,
                        v1::GetStatsResponse* response) override {
    return door_.Call(*context, "GetStats", kReaders, [&](const std::string&) {
      *response = coordinator_.GetStats(absl::Now());
      return absl::OkStatus();
    });
  }
  grpc::Status Compact(grpc::ServerContext* context, const v1::CompactRequest* request,
                       v1::CompactResponse* response) override {
    return door_.Call(*context, "Compact", kOperators, [&](const std::string&) {
      return Into(coordinator_.Compact(*request, absl::Now()), response);
    });
  }
  grpc::Status Backup(grpc::ServerContext* context, const v1::BackupRequest* request,
                      v1::BackupResponse* response) override {
    return door_.Call(*context, "Backup", kOperators, [&](const std::string&) {
      return Into(coordinator_.Backup(request->name()), response);
    });
  }
  grpc::Status DrainWorker(grpc::ServerContext* context, const v1::DrainWorkerRequest* request,
                           v1::DrainWorkerResponse*) override {
    return door_.Call(*context, "DrainWorker", kOperators, [&](const std::string&) {
      return coordinator_.DrainWorker(request->worker_id());
    });
  }

 private:
  Coordinator& coordinator_;
  Door& door_;
};

class GrpcServerImpl : public GrpcServer {
 public:
  GrpcServerImpl(Security security, Coordinator& coordinator, Metrics& metrics)
      : door_(security, metrics),
        work_(coordinator, door_),
        campaigns_(coordinator, door_),
        findings_(coordinator, door_),
        admin_(coordinator, door_) {}
  ~GrpcServerImpl() override {
    door_.End();
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    server_->Wait();
  }
  GrpcServerImpl(const GrpcServerImpl&) = delete;
  GrpcServerImpl& operator=(const GrpcServerImpl&) = delete;

  absl::Status Listen(const Options& options) {
    const auto credentials = MakeServerCredentials(options.listen, options.tls, options.insecure);
    if (!credentials.ok()) return credentials.status();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options.listen.ToText(), *credentials, &port_);
    for (grpc::Service* service :
         std::initializer_list<grpc::Service*>{&work_, &campaigns_, &findings_, &admin_}) {
      builder.RegisterService(service);
    }
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
    interceptors.push_back(MakeRefusalLog());
    builder.experimental().SetInterceptorCreators(std::move(interceptors));
    grpc::ResourceQuota quota("shootdown-server");
    quota.SetMaxThreads(128);
    quota.Resize(512 << 20);
    builder.SetResourceQuota(quota);
    builder.SetMaxReceiveMessageSize(kMessageBytesMax);
    builder.SetMaxSendMessageSize(kReceiveBytesMax);
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 8);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 100);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return absl::UnavailableError(absl::StrFormat(
          "--listen %s: cannot listen there; is the port taken, or the address another machine's?",
          options.listen.ToText()));
    }
    return absl::OkStatus();
  }
  [[nodiscard]] int port() const override { return port_; }
  void SetServing(bool serving) override {
    server_->GetHealthCheckService()->SetServingStatus(serving);
  }

 private:
  Door door_;
  WorkService work_;
  CampaignsService campaigns_;
  FindingsService findings_;
  AdminService admin_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options,
                                                              Coordinator& coordinator,
                                                              Metrics& metrics) {
  const Security security = options.tls.empty() ? Security::kPlain : Security::kTls;
  auto server = std::make_unique<GrpcServerImpl>(security, coordinator, metrics);
  if (absl::Status listening = server->Listen(options); !listening.ok()) return listening;
  return server;
}

}  // namespace shootdown::server
