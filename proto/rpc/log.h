// Log lines of a coordinator and its workers, with named ids: as text for people, or one JSON object a
// line.
#ifndef SHOOTDOWN_PROTO_RPC_LOG_H_
#define SHOOTDOWN_PROTO_RPC_LOG_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shootdown {

enum class LogForm { kText, kJson };
enum class LogLevel { kDebug, kInfo, kWarning, kError };
// To standard error, from `least` on; also what gRPC has to say, such as handshakes that fail
// (at most a few lines a second of that), and with kDebug what protobuf has. Before any line is written.
void StartLog(const std::string& program, LogForm form, LogLevel least);

using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;
void Log(LogLevel level, std::string_view event, LogFields fields);
// A line that was kept for later.
struct KeptLine {
  LogLevel level = LogLevel::kInfo;
  std::string event;
  std::vector<std::pair<std::string, std::string>> fields;
};
void Log(const KeptLine& line);
void LogDebug(std::string_view event, LogFields fields = {});
void LogInfo(std::string_view event, LogFields fields = {});
void LogWarning(std::string_view event, LogFields fields = {});
void LogError(std::string_view event, LogFields fields = {});

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_LOG_H_
