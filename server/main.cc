// shootdown-server: the coordinator of campaigns. Exit status: 0 stopped as it should; 2 wrong
// usage, or a folder that is none of ours; 3 our own fault, or damage.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "fuzz/options/name_of_a.h"
#include "fuzz/options/wrong_usage.h"
#include "proto/file_io.h"
#include "proto/rpc/address.h"
#include "proto/rpc/client_channel.h"
#include "proto/rpc/log.h"
#include "server/coordinator.h"
#include "server/fsck.h"
#include "server/grpc_coordinator.h"
#include "server/http.h"
#include "server/metrics.h"
#include "server/server_credentials.h"

namespace shootdown::server {
namespace {

constexpr int kDone = 0;
constexpr int kWrongUsage = 2;
constexpr int kOurFault = 3;

struct Flags {
  std::string data;
  std::string listen = "127.0.0.1:7420";
  std::string http;
  TlsFiles tls;
  bool insecure = false;
  std::string log = "text";
  bool fsck = false;
  std::vector<std::string> receipts;
  std::string port_file;
};

int Fail(int status, const std::string& words) {
  std::fprintf(stderr, "shootdown-server: %s\n", words.c_str());
  return status;
}

int Fail(const absl::Status& status) {
  const bool theirs = status.code() != absl::StatusCode::kDataLoss &&
                      status.code() != absl::StatusCode::kInternal &&
                      status.code() != absl::StatusCode::kUnknown;
  return Fail(theirs ? kWrongUsage : kOurFault, std::string(status.message()));
}

// Blocks SIGTERM and SIGINT in this thread and all that it starts.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  (void)std::signal(SIGPIPE, SIG_IGN);
  (void)std::signal(SIGXFSZ, SIG_IGN);  // a limit on files (ulimit -f) is a full disk, and no end
  return signals;
}

// Until one of `signals` comes.
void Serve(Coordinator& coordinator, GrpcServer& server, const sigset_t& signals) {
  constexpr timespec kTick = {.tv_sec = 0, .tv_nsec = 250'000'000};
  int signal = -1;
  while (signal < 0) {
    signal = sigtimedwait(&signals, nullptr, &kTick);
    coordinator.Tick(absl::Now());
    server.SetServing(coordinator.Readiness().ok());
  }
  LogInfo("stopping", {{"signal", std::to_string(signal)}});
}

// glibc gives threads heaps of their own, and a group commit frees in one thread what many others took.
// So each heap keeps the room of its worst moment, and memory grows for hours. One heap for all stays as
// large as what is in use, and its lock is nothing beside a sync of the disk.
void UseOneHeap() { (void)mallopt(M_ARENA_MAX, 1); }

int Run(const Flags& flags) {
  if (flags.fsck) return Fsck(flags.data, flags.receipts);
  const absl::StatusOr<Address> listen = ParseAddress(flags.listen);
  if (!listen.ok()) return Fail(kWrongUsage, "--listen: " + std::string(listen.status().message()));
  const Insecure insecure = flags.insecure ? Insecure::kYes : Insecure::kNo;
  // Before the folder is touched.
  const auto credentials = MakeServerCredentials(*listen, flags.tls, insecure);
  if (!credentials.ok()) return Fail(credentials.status());
  absl::StatusOr<Address> http = Address();
  if (!flags.http.empty()) {
    http = ParseAddress(flags.http);
    if (!http.ok()) return Fail(kWrongUsage, "--http: " + std::string(http.status().message()));
  }
  StartLog("shootdown-server", flags.log == "json" ? LogForm::kJson : LogForm::kText,
           LogLevel::kInfo);

  UseOneHeap();  // before there are other threads
  const sigset_t signals = BlockSignals();
  absl::StatusOr<std::unique_ptr<Coordinator>> coordinator =
      Coordinator::Open(flags.data, absl::Now());
  if (!coordinator.ok()) return Fail(coordinator.status());
  Metrics metrics;
  absl::StatusOr<std::unique_ptr<GrpcServer>> grpc = GrpcServer::Start(
      {.listen = *listen, .tls = flags.tls, .insecure = insecure}, **coordinator, metrics);
  if (!grpc.ok()) return Fail(grpc.status());
  std::unique_ptr<HttpServer> http_server;
  if (!flags.http.empty()) {
    auto started = HttpServer::Start(*http, **coordinator, metrics);
    if (!started.ok()) return Fail(started.status());
    http_server = *std::move(started);
  }
  const std::string http_port = http_server == nullptr ? "" : std::to_string(http_server->port());
  LogInfo("listening", {{"host", listen->host},
                        {"port", std::to_string((*grpc)->port())},
                        {"http_port", http_port},
                        {"tls", flags.tls.empty() ? "no" : "yes"}});
  if (!flags.port_file.empty()) {
    const std::string ports =
        absl::StrFormat("%d\n%s%s", (*grpc)->port(), http_port, http_port.empty() ? "" : "\n");
    if (absl::Status written = WriteWholeFile(flags.port_file, ports); !written.ok()) {
      return Fail(written);
    }
  }

  Serve(**coordinator, **grpc, signals);
  http_server.reset();
  grpc->reset();
  coordinator->reset();
  LogInfo("stopped");
  return kDone;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Coordinates campaigns: hands out work, and keeps what workers find.",
               "shootdown-server");
  SayWrongUsageInOneLine(app);
  app.footer("Exit status: 0 stopped (SIGTERM, SIGINT; --fsck: no damage), 2 wrong usage or bad input,\n"
             "3 our own fault or the machine's, or damage.");
  app.set_version_flag("--version", SHOOTDOWN_VERSION);
  app.add_option("--data", flags.data, "folder of the store; it is created if it is missing")
      ->check(NameOfA("folder"))
      ->required();
  app.add_option("--listen", flags.listen, "HOST:PORT for gRPC; port 0 takes any")
      ->capture_default_str();
  app.add_option("--http", flags.http,
                 "HOST:PORT for /metrics, /healthz and /readyz; off if unset");
  app.add_option("--tls-ca", flags.tls.ca, "who signs the clients' certificates (PEM)")
      ->check(NameOfA("file"));
  app.add_option("--tls-cert", flags.tls.cert, "our certificate with its chain (PEM)")
      ->check(NameOfA("file"));
  app.add_option("--tls-key", flags.tls.key, "its key (PEM)")->check(NameOfA("file"));
  app.add_flag("--insecure", flags.insecure, "plain text, also where others can reach us");
  app.add_option("--log", flags.log, "form of log lines")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  auto* const fsck = app.add_flag("--fsck", flags.fsck, "check the folder, change nothing, and exit");
  app.add_option("--receipts", flags.receipts, "files with what workers were told is stored")
      ->check(NameOfA("file"))
      ->needs(fsck);
  app.add_option("--port-file", flags.port_file,
                 "written when we listen: the port, and then that of --http")
      ->check(NameOfA("file"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kWrongUsage;
  }
  return Run(flags);
}

}  // namespace
}  // namespace shootdown::server

int main(int argc, char** argv) { return shootdown::server::Main(argc, argv); }
