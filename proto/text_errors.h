// What protobuf's text parser complains about, in our words: what was found, what was wanted.
#ifndef SHOOTDOWN_PROTO_TEXT_ERRORS_H_
#define SHOOTDOWN_PROTO_TEXT_ERRORS_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>

#include <optional>
#include <string>
#include <string_view>

#include "proto/text_positions.h"

namespace shootdown {

// Keeps the first error of a parse; what follows it is mostly its echo.
class FirstTextError : public google::protobuf::io::ErrorCollector {
 public:
  struct Error {
    TextPosition position;
    std::string message;
  };
  // `file` declares the messages that the text may hold: from it come the names that were wanted.
  // `text` is what is parsed, and must outlive this.
  FirstTextError(const google::protobuf::FileDescriptor& file, std::string_view text)
      : file_(file), text_(text) {}

  void AddError(int line, int column, const std::string& message) override;
  // A warning is about something dropped or deprecated: an error, in a file that must say exactly
  // what is run.
  void AddWarning(int line, int column, const std::string& message) override;

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  // The message in our words; moves `position` back from behind a wrong word to that word.
  [[nodiscard]] std::string Reword(std::string_view message, TextPosition& position) const;

  const google::protobuf::FileDescriptor& file_;
  std::string_view text_;
  std::optional<Error> error_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_TEXT_ERRORS_H_
