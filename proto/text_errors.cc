#include "proto/text_errors.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "proto/printable.h"

namespace shootdown {
namespace {

namespace pb = google::protobuf;

// The words of `message` that stand between double quotes.
std::vector<std::string> Quoted(std::string_view message) {
  std::vector<std::string> words;
  for (;;) {
    const std::size_t open = message.find('"');
    if (open == std::string_view::npos) return words;
    const std::size_t close = message.find('"', open + 1);
    if (close == std::string_view::npos) return words;
    words.emplace_back(message.substr(open + 1, close - open - 1));
    message.remove_prefix(close + 1);
  }
}

const pb::FieldDescriptor* FindField(const pb::FileDescriptor& file, const std::string& name) {
  for (int i = 0; i < file.message_type_count(); ++i) {
    if (const auto* field = file.message_type(i)->FindFieldByName(name)) return field;
  }
  return nullptr;
}

std::string FieldNames(const pb::Descriptor& message) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(message.field_count()));
  for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->name());
  return absl::StrJoin(names, ", ");
}

// All but the value 0, which is no choice.
std::string EnumNames(const pb::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) names.push_back(type.value(i)->name());
  }
  return absl::StrJoin(names, " or ");
}

// protobuf's words for what it expects, as a writer of files would say it.
std::string Wanted(std::string_view what) {
  if (what == "identifier") return "a field";
  if (what == "string") return "text in quotes";
  if (what == "integer") return "a whole number";
  if (what == "integer or identifier") return "a name without quotes";
  return std::string(what);
}

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

}  // namespace

void FirstTextError::AddError(int line, int column, const std::string& message) {
  if (error_.has_value()) return;
  error_.emplace();
  error_->position = {.line = line + 1, .column = column + 1};
  error_->message = Reword(message, error_->position);
}

void FirstTextError::AddWarning(int line, int column, const std::string& message) {
  AddError(line, column, message);
}

// protobuf 3.21, text_format.cc and tokenizer.cc. A message that is not known here passes as it is.
std::string FirstTextError::Reword(std::string_view message, TextPosition& position) const {
  const std::vector<std::string> words = Quoted(message);
  // The parser has gone past the word that it complains about.
  const auto back_to = [&](const std::string& word) {
    position = LastWordBefore(text_, word, position);
  };
  if (StartsWith(message, "Message type") && words.size() == 2) {
    back_to(words[1]);
    const std::string local = words[0].substr(words[0].rfind('.') + 1);
    if (const pb::Descriptor* type = file_.FindMessageTypeByName(local)) {
      return absl::StrFormat("no field \"%s\" in %s, wanted one of %s", ForMessage(words[1]),
                             absl::AsciiStrToLower(local), FieldNames(*type));
    }
  }
  if (StartsWith(message, "Unknown enumeration value") && words.size() == 2) {
    back_to(words[0]);
    const pb::FieldDescriptor* field = FindField(file_, words[1]);
    if (field != nullptr && field->enum_type() != nullptr) {
      return absl::StrFormat("%s: %s, wanted %s", words[1], ForMessage(words[0]),
                             EnumNames(*field->enum_type()));
    }
  }
  if (StartsWith(message, "Non-repeated field") && words.size() == 1) {
    back_to(words[0]);
    return absl::StrFormat("\"%s\" a second time, wanted it once", words[0]);
  }
  if (StartsWith(message, "Field \"") && words.size() == 3) {
    back_to(words[0]);
    return absl::StrFormat(R"(both "%s" and "%s", wanted one of them)", words[1], words[0]);
  }
  if (StartsWith(message, "Invalid value for boolean") && words.size() == 2) {
    back_to(words[1]);
    return absl::StrFormat("%s: %s, wanted true or false", words[0], ForMessage(words[1]));
  }
  if (StartsWith(message, "Integer out of range (")) {
    const std::size_t open = message.find('(') + 1;
    return absl::StrFormat("%s is out of range, wanted a number that fits the field",
                           ForMessage(message.substr(open, message.rfind(')') - open)));
  }
  if (StartsWith(message, "Expected ")) {
    for (const std::string_view split : {", found ", ", got: "}) {
      const std::size_t at = message.find(split);
      if (at == std::string_view::npos) continue;
      std::string_view found = message.substr(at + split.size());
      if (found.size() > 1 && found.back() == '.') found.remove_suffix(1);
      if (found.size() > 1 && found.front() == '"') found = found.substr(1, found.size() - 2);
      const std::string what =
          found.empty() ? "the end of the file" : absl::StrFormat("\"%s\"", ForMessage(found));
      return absl::StrFormat("found %s, wanted %s", what, Wanted(message.substr(9, at - 9)));
    }
  }
  if (StartsWith(message, "Extension")) return "found an extension, wanted a field";
  if (StartsWith(message, "String literals cannot cross")) {
    return "found the end of the line inside quotes, wanted the closing quote";
  }
  if (StartsWith(message, "Invalid escape sequence")) {
    return R"(found an unknown escape after a backslash, wanted \\ or \")";
  }
  return ForMessage(message.substr(0, message.find_last_not_of('.') + 1));
}

}  // namespace shootdown
