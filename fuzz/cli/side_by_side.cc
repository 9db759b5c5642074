#include "fuzz/cli/side_by_side.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/step_words.h"
#include "fuzz/cli/text_wrap.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

// Of each run's column, and what stands beside both.
constexpr std::size_t kColumnWidthMin = 30;
constexpr std::size_t kColumnWidthMax = 62;
constexpr std::size_t kNumbersWidth = 19;
// The longest stretch in which the same steps are looked for; what follows is shown as it comes.
constexpr std::size_t kAlignedRowsMax = 2'000;

// So many rows that both have are shown before they part, and of the one run behind the end of the other.
constexpr std::size_t kHeadRows = 6;
constexpr std::size_t kTailRows = 6;

// Which row of the one run does what which of the other does: a longest common subsequence. Entry i is the row
// of `b` for row i of `a`, or npos. Steps are not counted for it: where one run takes a step more, all that come
// after it have other numbers.
std::vector<std::size_t> Align(std::span<const RowWords> a, std::span<const RowWords> b) {
  a = a.first(std::min(a.size(), kAlignedRowsMax));
  b = b.first(std::min(b.size(), kAlignedRowsMax));
  const std::size_t width = b.size() + 1;
  std::vector<std::uint16_t> length((a.size() + 1) * width, 0);  // of what is left from (i, j) on
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      length[i * width + j] =
          a[i].what == b[j].what ? static_cast<std::uint16_t>(length[(i + 1) * width + j + 1] + 1)
                                 : std::max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  std::vector<std::size_t> partner(a.size(), std::string::npos);
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].what == b[j].what) {
      partner[i++] = j++;
    } else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) {
      ++i;
    } else {
      ++j;
    }
  }
  return partner;
}

class TwoColumns {
 public:
  TwoColumns(const RunWords& left, const RunWords& right, std::span<const sim::Row> marked,
             std::size_t width_max)
      : left_(left), right_(right) {
    if (width_max != 0) {
      const std::size_t room = width_max - std::min(width_max, kNumbersWidth);
      column_width_ = std::clamp(room / 2, kColumnWidthMin, kColumnWidthMax);
    }
    for (const sim::Row row : marked) marked_.push_back(left.rows[row].step);
  }

  std::string Text(std::size_t first_difference) {
    Line("", left_.title, "", right_.title);
    Rule();
    const std::size_t head = first_difference - std::min(first_difference, kHeadRows);
    if (head != 0) Line("", absl::StrFormat("%s, the same in both", Counted(head, "step")), "", "");
    for (std::size_t row = head; row < first_difference; ++row) Row(row, std::string::npos);
    if (first_difference != 0) Rule();
    const auto rest_of = [first_difference](const RunWords& run) {
      return std::span(run.rows).subspan(std::min(first_difference, run.rows.size()));
    };
    const std::vector<std::size_t> partner = Align(rest_of(left_), rest_of(right_));
    std::size_t j = first_difference;
    for (std::size_t i = first_difference; i < left_.rows.size(); ++i) {
      const std::size_t k = i - first_difference;
      const std::size_t other = k < partner.size() ? partner[k] : std::string::npos;
      if (other == std::string::npos) {
        Row(i, std::string::npos);
        continue;
      }
      for (; j < first_difference + other; ++j) Row(std::string::npos, j);
      Row(i, j++);
    }
    const std::size_t shown = std::min(right_.rows.size(), j + kTailRows);
    for (; j < shown; ++j) Row(std::string::npos, j);
    if (j < right_.rows.size()) {
      Line("", "", "", "... and " + Counted(right_.rows.size() - j, "step") + " more");
    }
    Rule();
    Line("", left_.end, "", right_.end);
    return std::move(text_);
  }

 private:
  void Rule() { text_ += std::string(2 * column_width_ + kNumbersWidth, '-') + "\n"; }

  [[nodiscard]] std::string Number(const RunWords& run, std::size_t row) const {
    if (row == std::string::npos) return "";
    const bool marked = std::ranges::find(marked_, run.rows[row].step) != marked_.end();
    return (marked ? ">" : "") + std::to_string(row);
  }
  [[nodiscard]] static std::string Words(const RunWords& run, std::size_t row) {
    if (row == std::string::npos) return "";
    const RowWords& words = run.rows[row];
    return absl::StrFormat("CPU %d %s", words.cpu, AfterFunction(words.function, ": ", words.text));
  }
  void Row(std::size_t left, std::size_t right) {
    Line(Number(left_, left), Words(left_, left), Number(right_, right), Words(right_, right));
  }

  void Line(const std::string& left_number, const std::string& left,
            const std::string& right_number, const std::string& right) {
    const std::vector<std::string> a = Wrap(left, column_width_);
    const std::vector<std::string> b = Wrap(right, column_width_);
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      std::string line = absl::StrFormat("%5s | %-*s | %5s | %s", i == 0 ? left_number : "",
                                         static_cast<int>(column_width_), i < a.size() ? a[i] : "",
                                         i == 0 ? right_number : "", i < b.size() ? b[i] : "");
      line.erase(line.find_last_not_of(' ') + 1);
      text_ += line + "\n";
    }
  }

  const RunWords& left_;
  const RunWords& right_;
  std::size_t column_width_ = kColumnWidthMax;
  std::vector<std::tuple<std::uint16_t, std::uint32_t, std::uint32_t>> marked_;
  std::string text_;
};

// What is no access to memory is indented in a trace; here it stands behind its function.
std::string WithoutMargin(const std::string& text) {
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

}  // namespace

RunWords WordsOfRun(Simulation& simulation, const Schedule& schedule) {
  ScheduleScheduler scheduler(schedule);
  const check::Finding* const finding = simulation.Run(scheduler);
  RunWords run;
  run.title = (finding == nullptr ? "passes: " : "fails: ") + ShownSchedule(schedule.ToText());
  run.end = finding == nullptr ? "clean" : "BROKEN " + finding->message;
  for (const sim::LogEntry& e : simulation.machine().log()) {
    run.rows.push_back({.step = {e.actor, e.index, e.site->hash},
                        .what = {e.actor, e.site->hash, e.kind},
                        .cpu = e.cpu,
                        .function = FunctionName(e),
                        .text = WithoutMargin(StepText(e))});
  }
  return run;
}

std::string SideBySide(const RunWords& left, const RunWords& right, std::size_t first_difference,
                       std::span<const sim::Row> marked, std::size_t width_max) {
  return TwoColumns(left, right, marked, width_max).Text(first_difference);
}

}  // namespace shootdown
