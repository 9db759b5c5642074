#include "server/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <nlohmann/json.hpp>

namespace shootdown::server {
namespace {

std::atomic<LogForm> form_now = LogForm::kText;

// Values may come from workers: JSON quotes them, so that a line stays a line. What is not UTF-8 is
// replaced.
std::string Quoted(std::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Log(spdlog::level::level_enum level, std::string_view event, LogFields fields) {
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
  spdlog::log(level, "{}", line);
}

}  // namespace

void StartLog(LogForm form) {
  form_now = form;
  auto logger = std::make_shared<spdlog::logger>("shootdown-server",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern(form == LogForm::kJson
                          ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%fZ\",\"level\":\"%l\",%v}"
                          : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                      spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void LogInfo(std::string_view event, LogFields fields) { Log(spdlog::level::info, event, fields); }
void LogWarning(std::string_view event, LogFields fields) {
  Log(spdlog::level::warn, event, fields);
}
void LogError(std::string_view event, LogFields fields) { Log(spdlog::level::err, event, fields); }

}  // namespace shootdown::server
