#include "fuzz/cli/exit_words.h"

#include <string>

#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/text_wrap.h"

namespace shootdown {
namespace {

constexpr std::size_t kWidth = 100;

}  // namespace

void ExplainExitStatus(CLI::App& command, const ExitWords& words) {
  std::string all = "Exit status:";
  const auto add = [&all](int status, std::string_view meaning) {
    if (meaning.empty()) return;
    all += (all.ends_with(':') ? " " : "; ") + std::to_string(status) + " " + std::string(meaning);
  };
  add(kExitDone, words.done);
  add(kExitFinding, words.finding);
  add(kExitBadInput, words.bad_input);
  add(kExitOurFault, words.our_fault);
  add(kExitLimit, words.limit);
  std::string footer;
  for (const std::string& line : Wrap(all + ".", kWidth)) footer += (footer.empty() ? "" : "\n") + line;
  command.footer(footer);
}

}  // namespace shootdown
