// `shootdown-worker`: runs leases of a coordinator. See --help, and worker/README.md.
#include <CLI/CLI.hpp>
#include <poll.h>
#include <sched.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzz/options/name_of_a.h"
#include "fuzz/options/whole_number.h"
#include "fuzz/options/wrong_usage.h"
#include "fuzz/process/data_folder.h"
#include "proto/printable.h"
#include "proto/rpc/log.h"
#include "worker/coordinator_client.h"
#include "worker/engine_host.h"
#include "worker/engine_process.h"
#include "worker/journal.h"
#include "worker/steady_time.h"
#include "worker/sync_thread.h"
#include "worker/worker.h"

namespace shootdown {
namespace {

enum ExitStatus : int { kExitDone = 0, kExitBadInput = 2, kExitOurFault = 3 };

struct Flags {
  std::string coordinator;
  int jobs = 0;
  std::string state;
  std::string name;
  TlsFiles tls;
  bool insecure = false;
  std::string log = "text";
  std::string log_level = "info";
  std::uint64_t journal_mib = 256;
  EngineProcess::Options engine;
};

volatile std::sig_atomic_t signal_count = 0;

void OnSignal(int /*signal*/) {
  // Whoever asks twice does not want to wait: what is not handed in stays in the journal.
  if (signal_count != 0) _exit(kExitOurFault);
  signal_count = 1;
}

int Fail(const absl::Status& status) {
  LogError(std::string(status.message()));
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnavailable: return kExitBadInput;
    default: return kExitOurFault;
  }
}

LogLevel LevelOf(const std::string& word) {
  if (word == "debug") return LogLevel::kDebug;
  if (word == "info") return LogLevel::kInfo;
  return word == "warning" ? LogLevel::kWarning : LogLevel::kError;
}

int CpuCount() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// A host's name, as work.proto allows names: 1 to 64 of these letters.
std::string Clean(std::string name) {
  std::erase_if(name, [](unsigned char c) {
    return std::isalnum(c) == 0 && c != '.' && c != '_' && c != '-';
  });
  name.resize(std::min<std::size_t>(name.size(), 64));
  return name.empty() ? "worker" : name;
}

std::string HostName() {
  char name[256] = {};
  (void)gethostname(name, sizeof name - 1);
  return Clean(name);
}

// Whoever names a worker looks for that name later, so it is not made to fit.
std::string WrongName(const std::string& name) {
  if (Clean(name) == name) return "";
  return absl::StrFormat("found \"%s\", wanted 1 to 64 of a-z A-Z 0-9 . _ -", ForMessage(name));
}

absl::StatusOr<Prng> DrawPrng() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    return absl::InternalError("the system gives no random number");
  }
  return Prng(seed);
}

// Waits until an engine or the coordinator has something to say, or until `until`.
void Wait(const std::vector<std::unique_ptr<EngineProcess>>& engines, const SyncThread& sync,
          absl::Duration most) {
  std::vector<pollfd> polled = {{.fd = sync.fd(), .events = POLLIN, .revents = 0}};
  for (const auto& engine : engines) polled.push_back(engine->ToPoll());
  const absl::Duration wait =
      std::clamp(most, absl::ZeroDuration(), absl::Milliseconds(200));
  (void)poll(polled.data(), polled.size(),
             static_cast<int>(absl::ToInt64Milliseconds(wait + absl::Microseconds(999))));
}

absl::Status Work(const Flags& flags) {
  const absl::StatusOr<std::vector<Address>> addresses = ParseAddresses(flags.coordinator);
  if (!addresses.ok()) {
    return absl::InvalidArgumentError("--coordinator: " +
                                      std::string(addresses.status().message()));
  }
  const absl::StatusOr<std::unique_ptr<CoordinatorClient>> client = ConnectToCoordinator(
      *addresses, flags.tls, flags.insecure ? Insecure::kYes : Insecure::kNo);
  if (!client.ok()) return client.status();
  const std::string state = flags.state.empty() ? DataFolder("worker") : flags.state;
  const absl::StatusOr<std::unique_ptr<Journal>> journal =
      Journal::Open(state, {.input_bytes_max = flags.journal_mib << 20});
  if (!journal.ok()) return journal.status();
  const std::string kept_name = (*journal)->worker_name();
  const std::string name =
      !flags.name.empty() ? flags.name : (kept_name.empty() ? HostName() : kept_name);
  if (absl::Status s = (*journal)->SetWorkerName(name); !s.ok()) return s;
  const absl::StatusOr<Prng> prng = DrawPrng();
  if (!prng.ok()) return prng.status();

  std::vector<std::unique_ptr<EngineProcess>> engines;
  std::vector<Engine*> engine_list;
  std::string model_version;
  const int jobs = flags.jobs == 0 ? CpuCount() : flags.jobs;
  for (int i = 0; i < jobs; ++i) {
    engines.push_back(std::make_unique<EngineProcess>(flags.engine));
    absl::StatusOr<std::string> version = engines.back()->StartAndAskModelVersion();
    if (!version.ok()) return version.status();
    model_version = *std::move(version);
    engine_list.push_back(engines.back().get());
  }
  Worker worker({.name = name, .model_version = model_version}, **journal, engine_list, *prng);
  SyncThread sync(**client);
  LogInfo("started", {{"name", name},
                      {"jobs", std::to_string(jobs)},
                      {"model", model_version},
                      {"coordinator", flags.coordinator},
                      {"state", state}});

  const SteadyTime time;
  bool draining = false;
  for (;;) {
    const absl::Time now = time.Now();
    if (signal_count != 0 && !draining) {
      draining = true;
      LogInfo("draining: what is held is finished or given back; a second signal ends at once");
      worker.Drain(now);
    }
    worker.Step(now);
    if (std::optional<SyncOutcome> outcome = sync.Take(); outcome.has_value()) {
      worker.TakeOutcome(*outcome, now);
    }
    if (worker.done(now)) break;
    if (worker.NextSync() <= now) sync.Start(worker.MakeRequest(now));
    Wait(engines, sync, worker.NextSync() - now);
  }
  const std::size_t left = (*journal)->findings().size() + (*journal)->inputs().size();
  LogInfo("done", {{"left_in_journal", std::to_string(left)}});
  return absl::OkStatus();
}

void AddOptions(CLI::App& app, Flags& flags) {
  app.add_option("--coordinator", flags.coordinator, "HOST:PORT[,HOST:PORT]");
  app.add_option("--jobs", flags.jobs, "engines that run side by side (default: CPUs)")
      ->transform(WholeNumber(1, 1024));
  app.add_option("--state", flags.state, "folder of the journal (default: in the user's data folder)")
      ->check(NameOfA("folder"));
  app.add_option("--name", flags.name,
                 "for people, 1 to 64 of a-z A-Z 0-9 . _ -; kept (default: the host's)")
      ->check(&WrongName);
  app.add_option("--tls-ca", flags.tls.ca, "who signs the coordinator's certificate, PEM")
      ->check(NameOfA("file"));
  app.add_option("--tls-cert", flags.tls.cert, "this worker's certificate, PEM")
      ->check(NameOfA("file"));
  app.add_option("--tls-key", flags.tls.key, "its key, PEM")->check(NameOfA("file"));
  app.add_flag("--insecure", flags.insecure, "plain text to another machine");
  app.add_option("--log", flags.log, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--log-level", flags.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.add_option("--journal-mib", flags.journal_mib, "inputs kept while the coordinator is away")
      ->transform(WholeNumber(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--engine-silence-ms", flags.engine.silence_ms_max,
                 "an engine without a run for so long hangs")
      ->transform(WholeNumber(100, 3'600'000))
      ->capture_default_str();
  app.add_option("--engine-memory-mib", flags.engine.memory_mib_max, "memory of one lease")
      ->transform(WholeNumber(1, 1 << 20))
      ->capture_default_str();
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Runs leases of a Shootdown coordinator, and hands in what they find.",
               "shootdown-worker");
  SayWrongUsageInOneLine(app);
  app.set_version_flag("--version", SHOOTDOWN_VERSION);
  app.footer("Exit status: 0 drained (SIGTERM, SIGINT, or by an operator), 2 wrong usage or bad\n"
             "input, 3 our own fault or the machine's.");
  // The process in which leases run; started by the worker itself.
  std::uint32_t silence_ms = 0;
  std::uint64_t memory_mib = 0;
  CLI::App* const engine = app.add_subcommand("engine", "")->group("");
  engine->add_option("--silence-ms", silence_ms)->transform(WholeNumber(100, 3'600'000));
  engine->add_option("--memory-mib", memory_mib)->transform(WholeNumber(1, 1 << 20));

  AddOptions(app, flags);
  try {
    app.parse(argc, argv);
    if (!engine->parsed() && flags.coordinator.empty()) throw CLI::RequiredError("--coordinator");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitBadInput;
  }
  if (engine->parsed()) {
    return RunEngineHost(STDIN_FILENO, STDOUT_FILENO,
                         {.silence_max = std::chrono::milliseconds(silence_ms),
                          .memory_bytes_max = memory_mib << 20});
  }
  StartLog("shootdown-worker", flags.log == "json" ? LogForm::kJson : LogForm::kText,
           LevelOf(flags.log_level));
  struct sigaction action = {};
  action.sa_handler = &OnSignal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on files (ulimit -f) is a full disk, and no end
  const absl::Status status = Work(flags);
  return status.ok() ? kExitDone : Fail(status);
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) { return shootdown::Main(argc, argv); }
