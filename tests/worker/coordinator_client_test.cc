// The client, and the whole program, against a coordinator that speaks real gRPC.
#include "worker/coordinator_client.h"

#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is not in <csignal>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "shootdown/v1/work.grpc.pb.h"
#include "tests/support/scratch_folder.h"
#include "tests/worker/fake_coordinator.h"
#include "tests/worker/worker_testing.h"

namespace shootdown::testing {
namespace {

using ::testing::HasSubstr;

// A port of this machine that nobody else gets meanwhile, neither by asking for any nor for a connection's own end; a
// service may still listen there, since gRPC shares ports too.
class HeldPort {
 public:
  HeldPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (setsockopt(socket_, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0 ||
        bind(socket_, any, size) != 0 || getsockname(socket_, any, &size) != 0) {
      throw std::system_error(errno, std::generic_category(), "a port");
    }
    number_ = ntohs(address.sin_port);
  }
  ~HeldPort() { close(socket_); }
  HeldPort(const HeldPort&) = delete;
  HeldPort& operator=(const HeldPort&) = delete;

  [[nodiscard]] int number() const { return number_; }

 private:
  int socket_;
  int number_ = 0;
};

class FakeService : public v1::Work::Service {
 public:
  using Answer = std::function<grpc::Status(grpc::ServerContext*, const v1::SyncRequest&,
                                            v1::SyncResponse*)>;
  explicit FakeService(Answer answer, int port = 0) : answer_(std::move(answer)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeService() override { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Status Sync(grpc::ServerContext* context, const v1::SyncRequest* request,
                    v1::SyncResponse* response) override {
    const absl::MutexLock lock(&mutex_);
    return answer_(context, *request, response);
  }
  // While no call is being answered.
  template <class Look>
  auto Locked(const Look& look) {
    const absl::MutexLock lock(&mutex_);
    return look();
  }

  [[nodiscard]] Address address() const { return {.host = "127.0.0.1", .port = port_}; }

 private:
  const Answer answer_;
  absl::Mutex mutex_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

FakeService::Answer AnswerOf(FakeCoordinator& coordinator) {
  return [&coordinator](grpc::ServerContext* /*context*/, const v1::SyncRequest& request,
                        v1::SyncResponse* response) {
    *response = coordinator.Sync(request);
    return grpc::Status::OK;
  };
}

TEST(CoordinatorClientTest, AnAddressThatDoesNotAnswerIsFollowedByTheNext) {
  FakeService service([](grpc::ServerContext*, const v1::SyncRequest&, v1::SyncResponse* response) {
    response->set_epoch(7);
    return grpc::Status::OK;
  });
  const Address nobody = {.host = "127.0.0.1", .port = 1};
  const auto client = ConnectToCoordinator({nobody, service.address()}, {}, Insecure::kNo);
  ASSERT_TRUE(client.ok());

  const SyncOutcome first = (*client)->Sync({});
  const SyncOutcome second = (*client)->Sync({});

  EXPECT_EQ(first.response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(first.response.status().message()), HasSubstr("127.0.0.1:1"));
  ASSERT_TRUE(second.response.ok());
  EXPECT_EQ(second.response->epoch(), 7u);
}

TEST(CoordinatorClientTest, WhoLostItsCoordinatorIsConnectedAgainByItsNextCalls) {
  const auto answer = [](grpc::ServerContext*, const v1::SyncRequest&, v1::SyncResponse*) {
    return grpc::Status::OK;
  };
  const HeldPort port;
  auto service = std::make_unique<FakeService>(answer, port.number());
  const auto client = ConnectToCoordinator({service->address()}, {}, Insecure::kNo);
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE((*client)->Sync({}).response.ok());
  service.reset();
  ASSERT_FALSE((*client)->Sync({}).response.ok());

  service = std::make_unique<FakeService>(answer, port.number());
  bool is_back = false;
  for (int i = 0; i < 3 && !is_back; ++i) is_back = (*client)->Sync({}).response.ok();

  EXPECT_TRUE(is_back);
}

TEST(CoordinatorClientTest, ItHearsWhenToComeBack) {
  FakeService service([](grpc::ServerContext* context, const v1::SyncRequest&, v1::SyncResponse*) {
    context->AddTrailingMetadata("retry-after-ms", "1500");
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too often");
  });
  const auto client = ConnectToCoordinator({service.address()}, {}, Insecure::kNo);
  ASSERT_TRUE(client.ok());

  const SyncOutcome outcome = (*client)->Sync({});

  EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(outcome.retry_after, absl::Milliseconds(1500));
}

TEST(CoordinatorClientTest, AnotherMachineWantsTls) {
  const auto client =
      ConnectToCoordinator({{.host = "192.0.2.1", .port = 9}}, {}, Insecure::kNo);

  EXPECT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument);
}

// `shootdown-worker` itself.
class Program {
 public:
  Program(const Address& coordinator, const std::string& state, const std::string& jobs) {
    std::vector<std::string> words = {"shootdown-worker", "--coordinator", coordinator.ToText(),
                                      "--state", state, "--jobs", jobs, "--name", "test"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    SHOOTDOWN_CHECK(posix_spawn(&pid_, SHOOTDOWN_WORKER_PROGRAM, nullptr, nullptr, argv.data(),
                                environ) == 0);
  }
  ~Program() {
    if (pid_ > 0) (void)End(SIGKILL);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Its exit status, or minus the signal.
  int End(int signal) {
    kill(pid_, signal);
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

bool Await(const std::function<bool()>& condition) {
  for (int i = 0; i < 600; ++i) {
    if (condition()) return true;
    absl::SleepFor(absl::Milliseconds(50));
  }
  return false;
}

TEST(WorkerProgramTest, RunsLeasesAndDrains) {
  FakeCoordinator coordinator(FuzzLease("", "seed-lost-bit", 20'000));
  FakeService service(AnswerOf(coordinator));
  const ScratchFolder folder;
  Program program(service.address(), folder / "state", "2");

  ASSERT_TRUE(Await([&] {
    return service.Locked([&] { return coordinator.results().size() >= 6; });
  }));
  EXPECT_EQ(program.End(SIGTERM), 0);

  EXPECT_EQ(coordinator.outstanding_count(), 0u) << "all leases were given back";
  EXPECT_FALSE(coordinator.findings().empty());
  EXPECT_FALSE(coordinator.inputs().empty());
  for (const auto& [id, result] : coordinator.results()) {
    EXPECT_TRUE(result.outcome() == v1::LeaseResult::OUTCOME_DONE ||
                result.outcome() == v1::LeaseResult::OUTCOME_RETURNED)
        << id << ": " << result.words();
  }
  std::ifstream receipts(folder / "state/receipts");
  std::set<std::string> lines;
  for (std::string line; std::getline(receipts, line);) lines.insert(line);
  EXPECT_EQ(lines.size(), coordinator.findings().size() + coordinator.inputs().size());
}

TEST(WorkerProgramTest, WhatAKilledWorkerHadInItsJournalIsHandedInByTheNext) {
  FakeCoordinator coordinator(FuzzLease("", "seed-lost-bit", 20'000));
  bool deaf = true;
  bool lease_ended = false;        // and was refused
  std::set<std::string> refused;   // hashes of contents
  FakeService service([&](grpc::ServerContext* context, const v1::SyncRequest& request,
                          v1::SyncResponse* response) {
    if (deaf && request.offers_size() != 0) {
      for (const v1::Offer& offer : request.offers()) refused.insert(offer.hash());
      lease_ended = lease_ended || request.results_size() != 0;
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the test wants it so");
    }
    return AnswerOf(coordinator)(context, request, response);
  });
  const ScratchFolder folder;
  {
    Program program(service.address(), folder / "state", "1");
    ASSERT_TRUE(Await([&] { return service.Locked([&] { return lease_ended; }); }));
    EXPECT_EQ(program.End(SIGKILL), -SIGKILL);
  }
  // The next one has nothing to run, so all it can bring is what was found before.
  service.Locked([&] {
    EXPECT_TRUE(coordinator.findings().empty());
    EXPECT_TRUE(coordinator.inputs().empty());
    deaf = false;
    coordinator.StopLeasing();
    coordinator.CancelLeases();
  });

  Program program(service.address(), folder / "state", "1");

  EXPECT_TRUE(Await([&] {
    return service.Locked([&] {
      return std::ranges::all_of(refused, [&](const std::string& hash) {
        return coordinator.findings().contains(hash) || coordinator.inputs().contains(hash);
      });
    });
  }));
  EXPECT_EQ(program.End(SIGTERM), 0);
  EXPECT_FALSE(coordinator.findings().empty());
  EXPECT_FALSE(coordinator.inputs().empty());
}

}  // namespace
}  // namespace shootdown::testing
