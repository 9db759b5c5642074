// A worker that is wrong on purpose, for tests of what the coordinator makes of it: real engines, a
// real journal, real gRPC, and between engine and worker somebody who changes what engines say.
//
//   odd_worker ADDRESS STATE NAME honest|missteps|fixed [MODEL]
//
// honest     changes nothing: with MODEL, a build whose runs go as before
// missteps   every run takes one step that it should not, as on a broken machine
// fixed      no run fails: with MODEL, a build in which the bug is gone
// MODEL is the model version that it says it has; by default its engines' own.
#include <poll.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string>

#include "absl/time/clock.h"
#include "fuzz/base/check.h"
#include "fuzz/base/hash.h"
#include "fuzz/base/prng.h"
#include "proto/rpc/address.h"
#include "worker/engine_process.h"
#include "worker/journal.h"
#include "worker/sync_thread.h"
#include "worker/worker.h"

namespace shootdown {
namespace {

volatile std::sig_atomic_t ends = 0;

// Another hash, the same for the same one.
std::string OtherHash(std::string hash) {
  if (!hash.empty()) hash.front() = hash.front() == '0' ? '1' : '0';
  return hash;
}

class OddEngine : public Engine {
 public:
  enum class Lie { kNone, kMissteps, kFixed };
  OddEngine(Engine& engine, Lie lie) : engine_(engine), lie_(lie) {}

  [[nodiscard]] bool Ready(absl::Time now) override { return engine_.Ready(now); }
  void Start(const v1::Lease& lease, std::span<const std::uint32_t> known) override {
    engine_.Start(lease, known);
  }
  void Cancel() override { engine_.Cancel(); }
  [[nodiscard]] std::uint64_t run_count() const override { return engine_.run_count(); }
  [[nodiscard]] Harvest Take(absl::Time now) override {
    Harvest harvest = engine_.Take(now);
    if (lie_ == Lie::kMissteps) Misstep(harvest);
    if (lie_ == Lie::kFixed) Fix(harvest);
    return harvest;
  }

 private:
  static void Misstep(Harvest& harvest) {
    harvest.findings.clear();
    for (v1::Input& input : harvest.inputs) input.set_trace_hash(OtherHash(input.trace_hash()));
    if (!harvest.result.has_value()) return;
    v1::LeaseResult& result = *harvest.result;
    result.clear_content_hashes();
    for (const v1::Input& input : harvest.inputs) {
      result.add_content_hashes(ContentHash(input.SerializeAsString()));
    }
    for (auto& checkpoint : *result.mutable_checkpoints()) checkpoint ^= 1;
    if (!result.has_replayed()) return;
    v1::Failure& replayed = *result.mutable_replayed();
    replayed.set_trace_hash(OtherHash(replayed.trace_hash()));
    for (int i = replayed.trace_size() / 2; i < replayed.trace_size(); ++i) {
      replayed.mutable_trace(i)->set_hash(replayed.trace(i).hash() ^ 1);  // it is chained
    }
    if (replayed.trace_size() != 0) {
      replayed.mutable_trace(replayed.trace_size() / 2)->set_text("a step from nowhere");
    }
  }

  static void Fix(Harvest& harvest) {
    harvest.findings.clear();
    if (!harvest.result.has_value() || !harvest.result->has_replayed()) return;
    v1::Failure& replayed = *harvest.result->mutable_replayed();
    replayed.clear_check();
    replayed.clear_kind_key();
    replayed.clear_message();
    replayed.set_trace_hash(OtherHash(replayed.trace_hash()));
  }

  Engine& engine_;
  const Lie lie_;
};

int Run(const std::string& address_text, const std::string& state, const std::string& name,
        OddEngine::Lie lie, std::string model) {
  const absl::StatusOr<Address> address = ParseAddress(address_text);
  SHOOTDOWN_CHECK(address.ok());
  const auto client = ConnectToCoordinator({*address}, {}, Insecure::kNo);
  SHOOTDOWN_CHECK(client.ok());
  const auto journal = Journal::Open(state, {});
  SHOOTDOWN_CHECK(journal.ok());
  EngineProcess process({.program = SHOOTDOWN_WORKER_PROGRAM});
  const absl::StatusOr<std::string> own_model = process.StartAndAskModelVersion();
  SHOOTDOWN_CHECK(own_model.ok());
  if (model.empty()) model = *own_model;
  OddEngine engine(process, lie);
  Worker worker({.name = name, .model_version = model}, **journal, {&engine},
                Prng(HashName(name)));
  SyncThread sync(**client);
  for (absl::Time now = absl::Now(); !worker.done(now); now = absl::Now()) {
    if (ends != 0) worker.Drain(now);
    worker.Step(now);
    if (std::optional<SyncOutcome> outcome = sync.Take()) worker.TakeOutcome(*outcome, now);
    if (worker.NextSync() <= now) sync.Start(worker.MakeRequest(now));
    std::array<pollfd, 2> polled = {process.ToPoll(),
                                    {.fd = sync.fd(), .events = POLLIN, .revents = 0}};
    (void)poll(polled.data(), polled.size(), 50);
  }
  return 0;
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) {
  using Lie = shootdown::OddEngine::Lie;
  const std::string kind = argc >= 5 ? argv[4] : "";
  if (argc > 6 || (kind != "honest" && kind != "missteps" && kind != "fixed")) {
    std::fprintf(stderr, "odd_worker ADDRESS STATE NAME honest|missteps|fixed [MODEL]\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { shootdown::ends = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  const Lie lie = kind == "honest" ? Lie::kNone : kind == "fixed" ? Lie::kFixed : Lie::kMissteps;
  return shootdown::Run(argv[1], argv[2], argv[3], lie, argc == 6 ? argv[5] : "");
}
