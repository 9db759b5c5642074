#include "fuzz/cli/text_table.h"

#include <algorithm>
#include <numeric>

#include "fuzz/base/check.h"
#include "fuzz/cli/text_wrap.h"

namespace shootdown {
namespace {

// A last column that would have less room than this is put below the others, indented.
constexpr std::size_t kLastColumnMin = 30;
constexpr std::size_t kMargin = 4;

}  // namespace

void TextTable::Add(std::vector<std::string> cells) {
  SHOOTDOWN_CHECK(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::Text(std::size_t width_max) const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    widths.push_back(WidthOf(columns_[c].title));
    for (const auto& row : rows_) widths[c] = std::max(widths[c], WidthOf(row[c]));
  }
  const std::size_t last = columns_.size() - 1;
  const std::size_t whole = std::accumulate(widths.begin(), widths.end(), 2 * last);
  const bool breaks = width_max != 0 && whole > width_max;
  // Where each column begins, and whether it does so in a line of its own.
  std::vector<std::size_t> begin(columns_.size(), 0);
  std::vector<bool> below(columns_.size(), false);
  for (std::size_t c = 1; c < columns_.size(); ++c) {
    begin[c] = begin[c - 1] + widths[c - 1] + 2;
    below[c] = breaks && begin[c] + (c == last ? kLastColumnMin : widths[c]) > width_max;
    if (below[c]) begin[c] = kMargin;
  }
  std::string out;
  const auto line = [&](const auto& cell_of) {
    std::string text;
    // Ends the line; the next one begins with that many blanks.
    const auto end_line = [&](std::size_t margin) {
      text.erase(text.find_last_not_of(' ') + 1);
      out += text + "\n";
      text.assign(margin, ' ');
    };
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const std::string& cell = cell_of(c);
      if (below[c]) {
        end_line(begin[c]);
      } else if (c != 0) {
        text += "  ";
      }
      if (c == last && breaks) {
        const std::size_t room = std::max(width_max, begin[c] + kLastColumnMin) - begin[c];
        for (const std::string& piece : Wrap(cell, room)) {
          text += piece;
          end_line(begin[c]);
        }
        return;
      }
      const std::string blanks(widths[c] - WidthOf(cell), ' ');
      text += columns_[c].number ? blanks + cell : cell + blanks;
    }
    end_line(0);
  };
  line([&](std::size_t c) -> const std::string& { return columns_[c].title; });
  for (const auto& row : rows_) line([&](std::size_t c) -> const std::string& { return row[c]; });
  return out;
}

std::string TextTable::Markdown() const {
  std::string out = "|";
  for (const Column& column : columns_) out += " " + column.title + " |";
  out += "\n|";
  for (const Column& column : columns_) out += column.number ? "--:|" : "---|";
  out += "\n";
  for (const auto& row : rows_) {
    out += "|";
    for (const std::string& cell : row) {
      out += ' ';
      for (const char c : cell) out += c == '|' ? std::string("\\|") : std::string(1, c);
      out += " |";
    }
    out += "\n";
  }
  return out;
}

}  // namespace shootdown
