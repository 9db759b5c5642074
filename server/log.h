// Log lines with named ids, as text for people or one JSON object a line.
#ifndef SHOOTDOWN_SERVER_LOG_H_
#define SHOOTDOWN_SERVER_LOG_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace shootdown::server {

enum class LogForm { kText, kJson };
// To standard error. Before any line is written.
void StartLog(LogForm form);

using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;
void LogInfo(std::string_view event, LogFields fields = {});
void LogWarning(std::string_view event, LogFields fields = {});
void LogError(std::string_view event, LogFields fields = {});

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_LOG_H_
