#include "proto/rpc/log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "proto/rpc/line_budget.h"

namespace shootdown {
namespace {

std::atomic<LogForm> form_now = LogForm::kText;

// Values may come from workers: JSON quotes them, so that a line stays a line. What is not UTF-8 is
// replaced.
std::string Quoted(std::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

ABSL_CONST_INIT absl::Mutex grpc_mutex(absl::kConstInit);
LineBudget grpc_budget ABSL_GUARDED_BY(grpc_mutex);

// What gRPC thinks worth saying by default: whose certificate is none, who speaks no TLS.
void LogOfGrpc(gpr_log_func_args* args) {
  if (args->severity != GPR_LOG_SEVERITY_ERROR) return;
  std::optional<std::uint64_t> left_out;
  {
    absl::MutexLock lock(&grpc_mutex);
    left_out = grpc_budget.Take(args->message, absl::Now());
  }
  if (!left_out.has_value()) return;
  LogWarning("gRPC", {{"words", args->message}, {"left_out", std::to_string(*left_out)}});
}

// Of bytes that are no message. Who sent them, and what became of them, is logged where they came in.
void LogOfProtobuf(google::protobuf::LogLevel /*level*/, const char* /*file*/, int /*line*/,
                   const std::string& words) {
  LogDebug("protobuf", {{"words", words}});
}

template <class Fields>
void Write(LogLevel level, std::string_view event, const Fields& fields) {
  if (!spdlog::should_log(ToSpdlog(level))) return;
  std::string line;
  if (form_now == LogForm::kJson) {
    line = "\"event\":" + Quoted(event);
    for (const auto& [name, value] : fields) line += ',' + Quoted(name) + ':' + Quoted(value);
  } else {
    line = event;
    for (const auto& [name, value] : fields) {
      const bool plain =
          !value.empty() &&
          value.find_first_not_of(
              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/@") ==
              std::string_view::npos;
      line += ' ' + std::string(name) + '=' + (plain ? std::string(value) : Quoted(value));
    }
  }
  spdlog::log(ToSpdlog(level), "{}", line);
}

}  // namespace

void Log(LogLevel level, std::string_view event, LogFields fields) { Write(level, event, fields); }
void Log(const KeptLine& line) { Write(line.level, line.event, line.fields); }

void StartLog(const std::string& program, LogForm form, LogLevel least) {
  form_now = form;
  auto logger = std::make_shared<spdlog::logger>(
      program, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern(form == LogForm::kJson
                          ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","program":"%n",%v})"
                          : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                      spdlog::pattern_time_type::utc);
  logger->set_level(ToSpdlog(least));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  gpr_set_log_function(&LogOfGrpc);
  google::protobuf::SetLogHandler(&LogOfProtobuf);
}

void LogDebug(std::string_view event, LogFields fields) { Log(LogLevel::kDebug, event, fields); }
void LogInfo(std::string_view event, LogFields fields) { Log(LogLevel::kInfo, event, fields); }
void LogWarning(std::string_view event, LogFields fields) {
  Log(LogLevel::kWarning, event, fields);
}
void LogError(std::string_view event, LogFields fields) { Log(LogLevel::kError, event, fields); }

}  // namespace shootdown
