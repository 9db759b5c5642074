// A table of words: in columns for a terminal, or as Markdown.
#ifndef SHOOTDOWN_FUZZ_CLI_TEXT_TABLE_H_
#define SHOOTDOWN_FUZZ_CLI_TEXT_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

namespace shootdown {

class TextTable {
 public:
  struct Column {
    std::string title;
    bool number = false;  // stands to the right
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: one cell for each column.
  void Add(std::vector<std::string> cells);

  // A line for the titles and one for each row, each column as wide as its widest cell; no blanks at
  // the end of a line. Widths count characters of UTF-8. Where `width_max` is not 0 and the lines would
  // be longer, the last column is broken, and columns that find no room go on in an indented line below.
  [[nodiscard]] std::string Text(std::size_t width_max = 0) const;
  [[nodiscard]] std::string Markdown() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_TEXT_TABLE_H_
