#include "proto/scenario_text.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "proto/file_io.h"
#include "proto/printable.h"
#include "proto/text_errors.h"
#include "shootdown/v1/scenario.pb.h"

namespace shootdown {
namespace {

constexpr std::size_t kSummaryBytesMax = 500;  // one sentence
constexpr int kPreemptionCountMax = 100;
constexpr int kRecursionLimit = 8;             // the format itself is 2 deep

// What a name may look like.
struct WordRule {
  std::string_view characters;
  std::size_t bytes_max;
  std::string_view wanted;
};
constexpr WordRule kScenarioName = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-", 64,
    "1 to 64 of A-Z a-z 0-9 . -"};
constexpr WordRule kTaskName = {"abcdefghijklmnopqrstuvwxyz0123456789_/.:-", 32,
                                "1 to 32 of a-z 0-9 _ / . : -"};
constexpr WordRule kSymbol = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-",
                              64, "1 to 64 of A-Z a-z 0-9 _ . -"};

bool Fits(std::string_view word, const WordRule& rule) {
  return !word.empty() && word.size() <= rule.bytes_max &&
         word.find_first_not_of(rule.characters) == std::string_view::npos;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string Quote(std::string_view text) { return '"' + ForMessage(text) + '"'; }

// The place of the byte `offset`, counted as protobuf's tokenizer counts.
TextPosition PositionOf(std::string_view text, std::size_t offset) {
  constexpr int kTabWidth = 8;
  int line = 0;
  int column = 0;
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++line;
      column = 0;
    } else {
      column += c == '\t' ? kTabWidth - column % kTabWidth : 1;
    }
  }
  return {.line = line + 1, .column = column + 1};
}

std::string Locate(std::string_view file_name, TextPosition position) {
  if (position.line == 0) return std::string(file_name);
  return absl::StrFormat("%s:%d:%d", std::string(file_name), position.line, position.column);
}

absl::Status ErrorAt(std::string_view file_name, TextPosition position, std::string_view message) {
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: %s", Locate(file_name, position), std::string(message)));
}

// Turns the message into a Scenario, and remembers the topmost thing that is wrong.
class Reader {
 public:
  Reader(const v1::Scenario& message, const TextPositions& positions)
      : message_(message), positions_(positions) {}

  struct Error {
    TextPosition position;
    std::string message;
  };

  void Read() {
    ReadTitle();
    ReadMachine();
    ReadVersion();
    ReadTasks();
    ReadChecks();
    ReadExpect();
  }

  // The message is empty if all is well.
  [[nodiscard]] Error error() const {
    return ok() ? Error{.position = {.line = 1, .column = 1}, .message = missing_} : error_;
  }
  [[nodiscard]] Scenario TakeScenario() { return std::move(scenario_); }
  [[nodiscard]] ScenarioLocations TakeLocations() { return std::move(locations_); }

 private:
  [[nodiscard]] bool ok() const { return error_.message.empty(); }

  void Fail(TextPosition position, std::string message) {
    if (ok() || position < error_.position) error_ = {position, std::move(message)};
  }

  // What is not there has no place; anything that is there and wrong is reported before it.
  void FailMissing(std::string message) {
    if (missing_.empty()) missing_ = std::move(message);
  }

  void CheckText(const char* field, std::string_view text, std::size_t bytes_max,
                 TextPosition position) {
    if (const auto bad = FindUnprintable(text, LineBreaks::kNo)) {
      Fail(position, absl::StrFormat("%s: %s (at byte %d), wanted printable UTF-8", field,
                                     bad->what, bad->offset));
    } else if (text.size() > bytes_max) {
      Fail(position,
           absl::StrFormat("%s: %d bytes, wanted at most %d", field, text.size(), bytes_max));
    }
  }

  void CheckWord(const char* field, std::string_view word, const WordRule& rule,
                 TextPosition position) {
    CheckText(field, word, kScenarioBytesMax, position);
    if (!Fits(word, rule)) {
      Fail(position,
           absl::StrFormat("%s: %s, wanted %s", field, Quote(word), std::string(rule.wanted)));
    }
  }

  void ReadTitle() {
    const TextPosition name = positions_.At("name");
    if (name.line == 0) {
      FailMissing("no name, wanted `name: \"...\"`");
    } else {
      CheckWord("name", message_.name(), kScenarioName, name);
    }
    CheckText("summary", message_.summary(), kSummaryBytesMax, positions_.At("summary"));
    if (!message_.commit().empty()) {
      CheckWord("commit", message_.commit(), kSymbol, positions_.At("commit"));
    }
    locations_.arch = positions_.At("arch");
    if (locations_.arch.line != 0) {
      CheckWord("arch", message_.arch(), kSymbol, locations_.arch);
      scenario_.arch = message_.arch();
    }
    scenario_.name = message_.name();
    scenario_.summary = message_.summary();
    scenario_.commit = message_.commit();
  }

  // Ranges: fuzz/sim/machine_config.h.
  void ReadMachine() {
    const v1::Machine& in = message_.machine();
    sim::MachineConfig& out = scenario_.machine;
    ReadNumber("cpus", in.has_cpus(), in.cpus(), 1, 64, out.cpu_count);
    ReadNumber("store_buffer_entries", in.has_store_buffer_entries(), in.store_buffer_entries(), 1,
               16, out.store_buffer_entries);
    ReadNumber("tlb_entries", in.has_tlb_entries(), in.tlb_entries(), 1, 64, out.tlb_entries);
    ReadNumber("tlb_sharing", in.has_tlb_sharing(), in.tlb_sharing(), 1, 8, out.tlb_sharing);
    ReadNumber("mondo_queue_entries", in.has_mondo_queue_entries(), in.mondo_queue_entries(), 1, 16,
               out.mondo_queue_entries);
    ReadNumber("mondo_delay_max", in.has_mondo_delay_max(), in.mondo_delay_max(), 0, 255,
               out.mondo_delay_max);
    ReadNumber("step_count_max", in.has_step_count_max(), in.step_count_max(), 100, kStepCountMax,
               out.step_count_max);
    ReadNumber("context_count", in.has_context_count(), in.context_count(), 4, 64,
               out.context_count, Shape::kPowerOfTwo);
    ReadNumber("tsb_entries", in.has_tsb_entries(), in.tsb_entries(), 1, 64, out.tsb_entries,
               Shape::kPowerOfTwo);
    ReadNumber("page_count", in.has_page_count(), in.page_count(), 1, 64, out.page_count);
    if (out.tlb_sharing > out.cpu_count) {
      Fail(MachineField("tlb_sharing"),
           absl::StrFormat("tlb_sharing: %d CPUs share a TLB, but there are %d, wanted 1 .. %d",
                           out.tlb_sharing, out.cpu_count, out.cpu_count));
    }
    ReadMachineEnums();
  }

  enum class Shape { kAny, kPowerOfTwo };

  template <class Number>
  void ReadNumber(const char* field, bool present, std::int32_t value, std::int32_t least,
                  std::int32_t most, Number& out, Shape shape = Shape::kAny) {
    if (!present) return;
    const bool power_ok = shape == Shape::kAny || std::has_single_bit(static_cast<std::uint32_t>(value));
    if (value < least || value > most || !power_ok) {
      Fail(MachineField(field),
           absl::StrFormat("%s: %d, wanted %s%d .. %d", field, value,
                           shape == Shape::kAny ? "" : "a power of two, ", least, most));
      return;  // the default stays, so that this error brings no others
    }
    out = static_cast<Number>(value);
  }

  // The text parser lets numbers stand for names, so any number can come here.
  void ReadMachineEnums() {
    const v1::Machine& in = message_.machine();
    sim::MachineConfig& out = scenario_.machine;
    if (in.has_memory_model()) {
      switch (in.memory_model()) {
        case v1::Machine::SC:
          out.memory_model = sim::MemoryModel::kSc;
          break;
        case v1::Machine::TSO:
          out.memory_model = sim::MemoryModel::kTso;
          break;
        case v1::Machine::PSO:
          out.memory_model = sim::MemoryModel::kPso;
          break;
        case v1::Machine::RMO:
          out.memory_model = sim::MemoryModel::kRmo;
          break;
        default:
          FailEnum("memory_model", in.memory_model(), "SC or TSO or PSO or RMO");
      }
    }
    if (in.has_mondo_flavour()) {
      switch (in.mondo_flavour()) {
        case v1::Machine::SUN4U:
          out.mondo_flavour = sim::MondoFlavour::kSun4u;
          break;
        case v1::Machine::SUN4V:
          out.mondo_flavour = sim::MondoFlavour::kSun4v;
          break;
        default:
          FailEnum("mondo_flavour", in.mondo_flavour(), "SUN4U or SUN4V");
      }
    }
    if (in.has_mondo_done()) {
      switch (in.mondo_done()) {
        case v1::Machine::ACCEPTED:
          out.mondo_done = sim::MondoDone::kAccepted;
          break;
        case v1::Machine::EXECUTED:
          out.mondo_done = sim::MondoDone::kExecuted;
          break;
        default:
          FailEnum("mondo_done", in.mondo_done(), "ACCEPTED or EXECUTED");
      }
    }
  }

  void FailEnum(const char* field, int value, const char* wanted) {
    Fail(MachineField(field),
         absl::StrFormat("%s: value number %d, wanted %s", field, value, wanted));
  }

  [[nodiscard]] TextPosition MachineField(std::string_view field) const {
    return positions_.In("machine").At(field);
  }

  void ReadVersion() {
    std::map<std::string, TextPosition, std::less<>> seen;
    for (int i = 0; i < message_.version_size(); ++i) {
      const std::string& text = message_.version(i);
      const TextPosition position = positions_.At("version", static_cast<std::size_t>(i));
      locations_.version.push_back(position);
      CheckText("version", text, kScenarioBytesMax, position);

      const std::size_t equals = text.find('=');
      const std::string_view name = Trim(std::string_view(text).substr(0, equals));
      const std::string_view value =
          equals == std::string::npos ? "" : Trim(std::string_view(text).substr(equals + 1));
      const std::size_t dot = name.find('.');
      const bool dotted = dot != std::string_view::npos && dot != 0 && name.back() != '.' &&
                          name.find("..") == std::string_view::npos;
      if (!dotted || !Fits(name, kSymbol) || !Fits(value, kSymbol)) {
        Fail(position,
             absl::StrFormat("version: %s, wanted the form \"area.switch = value\"", Quote(text)));
        continue;
      }
      const auto [before, added] = seen.emplace(name, position);
      if (!added) {
        Fail(position, absl::StrFormat("version: %s a second time (first at %d:%d), wanted it once",
                                       Quote(name), before->second.line, before->second.column));
      }
      scenario_.version.push_back({.name = std::string(name), .value = std::string(value)});
    }
  }

  void ReadTasks() {
    if (message_.task_size() == 0) FailMissing("no task, wanted at least one `task { ... }`");
    if (message_.task_size() > kTaskCountMax) {
      Fail(positions_.At("task", static_cast<std::size_t>(kTaskCountMax)),
           absl::StrFormat("%d tasks, wanted at most %d", message_.task_size(), kTaskCountMax));
    }
    std::map<std::string, TextPosition> seen;
    for (int i = 0; i < message_.task_size(); ++i) {
      const TextPosition task = positions_.At("task", static_cast<std::size_t>(i));
      ReadTask(message_.task(i), positions_.In("task", static_cast<std::size_t>(i)), task);

      const std::string& name = message_.task(i).name();
      const auto [before, added] = seen.emplace(name, task);
      if (!added && !name.empty()) {
        Fail(positions_.In("task", static_cast<std::size_t>(i)).At("name"),
             absl::StrFormat("task %s a second time (first at %d:%d), wanted a name of its own",
                             Quote(name), before->second.line, before->second.column));
      }
    }
  }

  void ReadTask(const v1::Task& in, const TextPositions& fields, TextPosition task) {
    const auto at = [&](std::string_view field) {
      const TextPosition position = fields.At(field);
      return position.line == 0 ? task : position;
    };
    if (fields.At("name").line == 0) {
      Fail(task, "task without a name, wanted `name: \"...\"`");
    } else {
      CheckWord("name", in.name(), kTaskName, at("name"));
    }
    if (in.kthread() && fields.At("process").line != 0) {
      Fail(at("process"), absl::StrFormat("process: %s in a kthread, which has no mm, wanted none",
                                          Quote(in.process())));
    } else if (fields.At("process").line != 0) {
      CheckWord("process", in.process(), kTaskName, at("process"));
    }
    const int cpu_count = scenario_.machine.cpu_count;
    if (in.cpu() < 0 || in.cpu() >= cpu_count) {
      Fail(at("cpu"), absl::StrFormat("cpu: %d, but the machine has %d, wanted 0 .. %d", in.cpu(),
                                      cpu_count, cpu_count - 1));
    }

    ScenarioLocations::Task places{.task = task, .setup = {}, .ops = {}};
    TaskSpec out{.name = in.name(),
                 .process = in.process(),
                 .kthread = in.kthread(),
                 .cpu = in.cpu(),
                 .setup = {},
                 .ops = {}};
    ReadOperations("setup", in.setup(), fields, out.setup, places.setup);
    ReadOperations("op", in.op(), fields, out.ops, places.ops);
    scenario_.tasks.push_back(std::move(out));
    locations_.tasks.push_back(std::move(places));
  }

  template <class Strings>
  void ReadOperations(const char* field, const Strings& in, const TextPositions& fields,
                      std::vector<Operation>& out, std::vector<TextPosition>& places) {
    if (in.size() > kOperationCountMax) {
      Fail(fields.At(field, static_cast<std::size_t>(kOperationCountMax)),
           absl::StrFormat("%s: %d in one task, wanted at most %d", field, in.size(),
                           kOperationCountMax));
    }
    for (const std::string& text : in) {
      const TextPosition position = fields.At(field, places.size());
      places.push_back(position);
      CheckText(field, text, kOperationBytesMax, position);
      if (Trim(text).empty()) {
        Fail(position, absl::StrFormat("%s: no words, wanted an operation", field));
      }
      out.push_back({.text = text});
    }
  }

  void ReadChecks() {
    const TextPositions& fields = positions_.In("checks");
    std::map<std::string, TextPosition> seen;
    const auto read = [&](const char* field, const auto& in, std::vector<std::string>& out,
                          std::vector<TextPosition>& places) {
      for (const std::string& name : in) {
        const TextPosition position = fields.At(field, places.size());
        places.push_back(position);
        CheckWord(field, name, kSymbol, position);
        const auto [before, added] = seen.emplace(name, position);
        if (!added) {
          Fail(position,
               absl::StrFormat("%s: check %s a second time (first at %d:%d), wanted it once", field,
                               Quote(name), before->second.line, before->second.column));
        }
        out.push_back(name);
      }
    };
    read("on", message_.checks().on(), scenario_.checks_on, locations_.checks_on);
    read("off", message_.checks().off(), scenario_.checks_off, locations_.checks_off);
  }

  void ReadExpect() {
    const TextPositions& fields = positions_.In("expect");
    constexpr const char* kWanted = "wanted `finds: \"CHECK\"` or `clean: true`";
    switch (message_.expect().verdict_case()) {
      case v1::Expect::kFinds:
        locations_.expected = fields.At("finds");
        CheckWord("finds", message_.expect().finds(), kSymbol, locations_.expected);
        if (message_.expect().finds() == "clean") {
          Fail(locations_.expected, "finds: \"clean\", which is no check, wanted `clean: true`");
        }
        scenario_.expected = message_.expect().finds();
        ReadReckoning(fields);
        return;
      case v1::Expect::kClean:
        locations_.expected = fields.At("clean");
        if (!message_.expect().clean()) {
          Fail(locations_.expected, absl::StrFormat("clean: false, %s", kWanted));
        }
        scenario_.expected = "clean";
        if (message_.expect().has_preemptions()) {
          Fail(fields.At("preemptions"), "preemptions: beside `clean`, wanted it beside `finds`");
        }
        if (fields.At("note").line != 0) {
          Fail(fields.At("note"), "note: beside `clean`, wanted it beside `preemptions`");
        }
        return;
      case v1::Expect::VERDICT_NOT_SET:
        if (message_.has_expect()) {
          Fail(positions_.At("expect"), absl::StrFormat("expect is empty, %s", kWanted));
        } else {
          FailMissing("no expect, wanted `expect { ... }` with one of finds, clean");
        }
        return;
    }
  }

  // What is reckoned about a finding.
  void ReadReckoning(const TextPositions& fields) {
    const v1::Expect& in = message_.expect();
    if (in.has_preemptions()) {
      if (in.preemptions() < 0 || in.preemptions() > kPreemptionCountMax) {
        Fail(fields.At("preemptions"), absl::StrFormat("preemptions: %d, wanted 0 .. %d",
                                                       in.preemptions(), kPreemptionCountMax));
      }
      scenario_.preemptions = in.preemptions();
    } else if (fields.At("note").line != 0) {
      Fail(fields.At("note"), "note: without preemptions, wanted it beside `preemptions`");
    }
    CheckText("note", in.note(), kSummaryBytesMax, fields.At("note"));
    scenario_.note = in.note();
  }

  const v1::Scenario& message_;
  const TextPositions& positions_;
  Scenario scenario_;
  ScenarioLocations locations_;
  Error error_;
  std::string missing_;
};

}  // namespace

std::string ScenarioLocations::At(TextPosition position) const {
  return Locate(file_name, position);
}

absl::StatusOr<Scenario> ParseScenario(std::string_view text, std::string_view file_name,
                                       ScenarioLocations* locations) {
  if (text.size() > kScenarioBytesMax) {
    return ErrorAt(file_name, {.line = 1, .column = 1},
                   absl::StrFormat("%d bytes, wanted at most %d", text.size(), kScenarioBytesMax));
  }
  if (const auto bad = FindUnprintable(text, LineBreaks::kYes)) {
    return ErrorAt(file_name, PositionOf(text, bad->offset),
                   absl::StrFormat("%s, wanted printable UTF-8", bad->what));
  }

  v1::Scenario message;
  FirstTextError errors(*v1::Scenario::descriptor()->file(), text);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kRecursionLimit);
  const bool parsed = parser.ParseFromString(std::string(text), &message);
  if (const auto& error = errors.error(); error.has_value()) {
    return ErrorAt(file_name, error->position, error->message);
  }
  if (!parsed) return ErrorAt(file_name, {}, "protobuf cannot read it, and does not say why");

  const TextPositions positions = TextPositions::Of(text);
  Reader reader(message, positions);
  reader.Read();
  if (const Reader::Error error = reader.error(); !error.message.empty()) {
    return ErrorAt(file_name, error.position, error.message);
  }
  if (locations != nullptr) {
    *locations = reader.TakeLocations();
    locations->file_name = std::string(file_name);
  }
  return reader.TakeScenario();
}

absl::StatusOr<Scenario> ReadScenarioFile(const std::string& path, ScenarioLocations* locations) {
  absl::StatusOr<std::string> text = ReadWholeFile(path, kScenarioBytesMax);
  if (!text.ok()) return text.status();
  return ParseScenario(*text, path, locations);
}

}  // namespace shootdown
