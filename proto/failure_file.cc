#include "proto/failure_file.h"

#include <google/protobuf/text_format.h>

#include <charconv>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "fuzz/base/content_hash.h"
#include "proto/convert.h"
#include "proto/file_io.h"
#include "proto/text_errors.h"
#include "shootdown/v1/failure.pb.h"

namespace shootdown {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view kMagic = "shootdown-failure ";
constexpr std::size_t kDigestDigits = 32;
constexpr std::size_t kFirstLineBytesMax = 80;
constexpr int kRecursionLimit = 8;  // the message itself is 2 deep

// Writes a text of several lines as several literals, so that the scenario in a failure file reads
// like a scenario.
class LinePrinter : public pb::TextFormat::FastFieldValuePrinter {
 public:
  void PrintString(const std::string& value,
                   pb::TextFormat::BaseTextGenerator* generator) const override {
    std::string_view rest = value;
    const std::size_t first_break = rest.find('\n');
    const bool several = first_break != std::string_view::npos && first_break + 1 < rest.size();
    do {
      if (several) generator->PrintLiteral("\n    ");
      const std::size_t line_break = rest.find('\n');
      const std::size_t bytes = line_break == std::string_view::npos ? rest.size() : line_break + 1;
      PrintLine(rest.substr(0, bytes), *generator);
      rest.remove_prefix(bytes);
    } while (!rest.empty());
  }

 private:
  static void PrintLine(std::string_view line, pb::TextFormat::BaseTextGenerator& generator) {
    generator.PrintLiteral("\"");
    for (const char c : line) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        generator.PrintString(std::string{'\\', c});
      } else if (c == '\n') {
        generator.PrintLiteral("\\n");
      } else if (byte < 0x20 || byte == 0x7f) {
        generator.PrintString(absl::StrFormat("\\%03o", byte));
      } else {
        generator.Print(&c, 1);
      }
    }
    generator.PrintLiteral("\"");
  }
};

// What the first line says, and what follows it.
struct Envelope {
  int version = 0;
  std::string_view digest;
  std::string_view body;
};

absl::Status NoFailureFile(std::string_view name) {
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s:1:1: not a failure file, wanted a first line `shootdown-failure %d CHECKSUM`",
      std::string(name), kFailureFileVersion));
}

// The first line, word by word: one blank between two words and nothing else.
absl::StatusOr<Envelope> Open(std::string_view text, std::string_view name) {
  const std::size_t line_break = text.substr(0, kFirstLineBytesMax).find('\n');
  if (line_break == std::string_view::npos || text.substr(0, kMagic.size()) != kMagic) {
    return NoFailureFile(name);
  }
  const std::string_view line = text.substr(kMagic.size(), line_break - kMagic.size());
  if (line.ends_with('\r')) {  // a mail program, or git on another system
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: its lines end in CR LF, wanted LF alone, as in the file that was exported", std::string(name)));
  }
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || line.front() == '0') return NoFailureFile(name);

  Envelope envelope;
  const char* const version_begin = line.data();
  const char* const version_end = version_begin + blank;
  const auto [end, error] = std::from_chars(version_begin, version_end, envelope.version);
  if (error != std::errc() || end != version_end || envelope.version < 1) {
    return NoFailureFile(name);
  }
  if (envelope.version > kFailureFileVersion) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: failure file of version %d, but this program reads up to version %d; "
                        "a newer Shootdown "
                        "wrote it",
                        std::string(name), envelope.version, kFailureFileVersion));
  }
  envelope.digest = line.substr(blank + 1);
  envelope.body = text.substr(line_break + 1);
  if (envelope.digest.size() != kDigestDigits) return NoFailureFile(name);
  return envelope;
}

absl::Status CheckBytes(std::string_view name, std::size_t bytes) {
  if (bytes <= kFailureBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat("%s: %d bytes, wanted at most %d",
                                                    std::string(name), bytes, kFailureBytesMax));
}

}  // namespace

absl::StatusOr<std::string> SerializeFailureFile(const Failure& failure) {
  if (const auto encoded = EncodeFailure(failure); !encoded.ok()) return encoded.status();
  pb::TextFormat::Printer printer;
  printer.SetDefaultFieldValuePrinter(new LinePrinter);  // the printer owns it
  v1::Failure message = ToProto(failure);
  message.DiscardUnknownFields();
  for (const NewerFields& newer : failure.newer_fields) {
    v1::NewerFields& out = *message.add_newer_fields();
    out.set_list(newer.list);
    out.set_index(newer.index);
    out.set_fields(newer.fields);
  }
  std::string body;
  printer.PrintToString(message, &body);
  std::string text = absl::StrFormat("%s%d %s\n%s", std::string(kMagic), kFailureFileVersion,
                                     ToHex(HashBytes(body)), body);
  if (text.size() > kFailureBytesMax) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "failure: %d bytes as text, wanted at most %d", text.size(), kFailureBytesMax));
  }
  return text;
}

absl::StatusOr<Failure> ParseFailureFile(std::string_view text, std::string_view name) {
  if (absl::Status fits = CheckBytes(name, text.size()); !fits.ok()) return fits;
  const absl::StatusOr<Envelope> envelope = Open(text, name);
  if (!envelope.ok()) return envelope.status();
  const std::string digest = ToHex(HashBytes(envelope->body));
  if (digest != envelope->digest) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: damaged or edited: its first line has the checksum %s, but the rest has %s",
        std::string(name), std::string(envelope->digest), digest));
  }

  v1::Failure message;
  FirstTextError errors(*v1::Failure::descriptor()->file(), envelope->body);
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kRecursionLimit);
  const bool parsed = parser.ParseFromString(std::string(envelope->body), &message);
  if (const auto& error = errors.error(); error.has_value()) {
    return absl::InvalidArgumentError(absl::StrFormat("%s:%d:%d: %s", std::string(name),
                                                      error->position.line + 1,
                                                      error->position.column, error->message));
  }
  if (!parsed) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: not a failure", std::string(name)));
  }
  Failure failure = FromProto(message);
  if (const auto encoded = EncodeFailure(failure); !encoded.ok()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %s", std::string(name), std::string(encoded.status().message())));
  }
  return failure;
}

absl::StatusOr<Failure> ReadFailureFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadWholeFile(path, kFailureBytesMax);
  if (!text.ok()) return text.status();
  return ParseFailureFile(*text, path);
}

absl::Status WriteFailureFile(const std::string& path, const Failure& failure) {
  const absl::StatusOr<std::string> text = SerializeFailureFile(failure);
  if (!text.ok()) return text.status();
  return WriteWholeFile(path, *text);
}

}  // namespace shootdown
