#include "server/http.h"

#include <httplib.h>

#include <string>
#include <thread>

#include "absl/strings/str_format.h"

namespace shootdown::server {
namespace {

constexpr char kText[] = "text/plain; charset=utf-8";

class HttpServerImpl : public HttpServer {
 public:
  HttpServerImpl(Coordinator& coordinator, Metrics& metrics) {
    // A thread waits up to five seconds for the first word of a connection. Browsers and balancers open
    // some that say nothing for a while, and /readyz shall not wait for them; nor for one that was
    // answered, so each is closed then.
    server_.new_task_queue = [] { return new httplib::ThreadPool(16); };
    server_.set_keep_alive_max_count(1);
    server_.set_payload_max_length(1 << 10);  // nobody sends us anything
    server_.set_read_timeout(5);
    // Not httplib's own, which lets two servers listen at one port, each for a part of the callers.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.set_write_timeout(5);
    server_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(
          "shootdown-server " SHOOTDOWN_VERSION
          "\n/metrics  for Prometheus\n/healthz  it runs\n/readyz   it can store what it is told\n"
          "Campaigns, workers and findings: shootdown campaign, coordinator stats, failures list\n",
          kText);
    });
    server_.Get("/metrics", [&](const httplib::Request&, httplib::Response& response) {
      response.set_content(metrics.Render(coordinator), "text/plain; version=0.0.4");
    });
    server_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", kText);
    });
    server_.Get("/readyz", [&](const httplib::Request&, httplib::Response& response) {
      const absl::Status ready = coordinator.Readiness();
      response.status = ready.ok() ? 200 : 503;
      response.set_content(ready.ok() ? "ok\n" : std::string(ready.message()) + "\n", kText);
    });
  }
  ~HttpServerImpl() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }
  HttpServerImpl(const HttpServerImpl&) = delete;
  HttpServerImpl& operator=(const HttpServerImpl&) = delete;

  absl::Status Listen(const Address& address) {
    if (address.port == 0) {
      port_ = server_.bind_to_any_port(address.host);
    } else if (server_.bind_to_port(address.host, address.port)) {
      port_ = address.port;
    }
    if (port_ <= 0) {
      return absl::UnavailableError(absl::StrFormat(
          "--http %s: cannot listen there; is the port taken, or the address another machine's?",
          address.ToText()));
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // A stop() before its loop runs would be lost, and the join would wait for ever.
    while (!server_.is_running()) std::this_thread::yield();
    return absl::OkStatus();
  }
  [[nodiscard]] int port() const override { return port_; }

 private:
  httplib::Server server_;
  std::thread thread_;
  int port_ = -1;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Address& address,
                                                              Coordinator& coordinator,
                                                              Metrics& metrics) {
  auto server = std::make_unique<HttpServerImpl>(coordinator, metrics);
  if (absl::Status listening = server->Listen(address); !listening.ok()) return listening;
  return server;
}

}  // namespace shootdown::server
