#include "fuzz/cli/trace_table.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzz/cli/step_words.h"
#include "fuzz/cli/text_wrap.h"

namespace shootdown {
namespace {

using sim::LogEntry;
using sim::MoveMade;

// Of a CPU's column.
constexpr std::size_t kColumnWidthMin = 30;
constexpr std::size_t kColumnWidthMax = 58;
constexpr std::size_t kNumberWidth = 4;
constexpr std::size_t kTextWidth = 100;
constexpr std::string_view kSeparator = " | ";

class Table {
 public:
  Table(Simulation& simulation, std::size_t width_max)
      : simulation_(simulation), machine_(simulation.machine()), width_max_(width_max) {
    column_of_.assign(static_cast<std::size_t>(machine_.cpu_count()), -1);
    for (const LogEntry& e : machine_.log()) column_of_[e.cpu] = 0;
    for (int& column : column_of_) {
      if (column == 0) column = column_count_++;
    }
    if (width_max != 0 && Width() > width_max) {
      const std::size_t room = (width_max - std::min(width_max, kNumberWidth)) /
                               static_cast<std::size_t>(column_count_);
      column_width_ = std::clamp(room - std::min(room, kSeparator.size()), kColumnWidthMin, kColumnWidthMax);
    }
    function_.assign(column_of_.size(), "");
  }

  std::string Text(const std::string& message, const std::string& why) {
    Head();
    const auto moves = machine_.moves_made();
    std::size_t move = 0;
    const auto log = machine_.log();
    for (std::size_t row = 0; row < log.size(); ++row) {
      for (; move < moves.size() && moves[move].row <= row; ++move) DecisionLine(moves[move]);
      StepLine(row, log[row]);
    }
    for (; move < moves.size(); ++move) DecisionLine(moves[move]);
    Rule('=');
    if (!message.empty()) {
      Paragraph("BROKEN  " + message + ".");
      Paragraph("WHY     " + why);
    } else {
      Paragraph("clean: no check fired in this run");
    }
    return std::move(text_);
  }

 private:
  [[nodiscard]] std::size_t Width() const {
    return kNumberWidth + static_cast<std::size_t>(column_count_) * (column_width_ + kSeparator.size());
  }
  void Rule(char c) { text_ += std::string(Width(), c) + "\n"; }
  // As wide as the table, or wider where that is narrow and there is room.
  void Paragraph(const std::string& words) {
    const std::size_t room = width_max_ == 0 ? kTextWidth : std::min(kTextWidth, width_max_);
    for (const std::string& line : Wrap(words, std::max(Width(), room))) text_ += line + "\n";
  }

  void Head() {
    const Scenario& scenario = simulation_.scenario();
    for (std::size_t t = 0; t < scenario.tasks.size(); ++t) {
      const TaskSpec& task = scenario.tasks[t];
      std::string line = absl::StrFormat("T%d is %s%s.", t, task.name,
                                         task.kthread ? ", a kernel thread" : "");
      const auto list = [&line](const char* words, const std::vector<Operation>& ops) {
        if (ops.empty()) return;
        line += words;
        for (std::size_t i = 0; i < ops.size(); ++i) line += (i == 0 ? "" : "; ") + ops[i].text;
        line += ".";
      };
      list(" Before step 0 it did: ", task.setup);
      list(" Now: ", task.ops);
      Paragraph(line);
    }
    Rule('-');
    text_ += std::string(kNumberWidth, ' ');
    for (std::size_t c = 0; c < column_of_.size(); ++c) {
      if (column_of_[c] < 0) continue;
      text_ += absl::StrFormat("%s%-*s", kSeparator, static_cast<int>(column_width_), "CPU " + std::to_string(c));
    }
    text_.erase(text_.find_last_not_of(' ') + 1);
    text_ += "\n";
    Rule('-');
  }

  void StepLine(std::size_t row, const LogEntry& e) {
    const auto cpu = static_cast<std::size_t>(e.cpu);
    // The function, and who runs it, where they change.
    const std::string where =
        AfterFunction(FunctionName(e), "  ", ActorName(simulation_, ActorId(e.actor)));
    if (function_[cpu] != where && !IsOfBuffer(e.kind)) {
      function_[cpu] = where;
      for (const std::string& line : Wrap(where, column_width_)) Cell("", cpu, line);
    }
    bool first = true;
    for (const std::string& line : Wrap("  " + StepText(e), column_width_)) {
      Cell(first ? std::to_string(row) : "", cpu, line);
      first = false;
    }
  }

  void Cell(const std::string& number, std::size_t cpu, const std::string& words) {
    std::string line = absl::StrFormat("%*s", static_cast<int>(kNumberWidth), number);
    for (int c = 0; c <= column_of_[cpu]; ++c) {
      line += std::string(kSeparator) + (c < column_of_[cpu] ? std::string(column_width_, ' ') : words);
    }
    text_ += line + "\n";
  }

  void DecisionLine(const MoveMade& made) {
    std::vector<std::string> lines = Wrap("-- " + DecisionText(simulation_, made) + " --", Width());
    lines.back().resize(Width(), '-');
    for (const std::string& line : lines) text_ += line + "\n";
    // After a hand-over the reader wants to see again who runs what.
    for (std::string& f : function_) f.clear();
  }

  Simulation& simulation_;
  sim::Machine& machine_;
  std::size_t width_max_;  // 0: none
  std::vector<int> column_of_;  // by CPU; -1: took no step
  int column_count_ = 0;
  std::size_t column_width_ = kColumnWidthMax;
  std::vector<std::string> function_;
  std::string text_;
};

}  // namespace

std::string TraceTable(Simulation& simulation, const std::string& message, const std::string& why,
                       std::size_t width_max) {
  return Table(simulation, width_max).Text(message, why);
}

}  // namespace shootdown
