#include "fuzz/cli/scenarios_check.h"

#include <spdlog/spdlog.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/cli/catalogue_table.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/interrupt.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/progress_line.h"
#include "proto/file_io.h"

namespace shootdown {
namespace {

constexpr std::size_t kMarkdownBytesMax = 1 << 20;

// Those that are named, or all; each can be run.
absl::StatusOr<std::vector<LoadedScenario>> Load(const std::vector<std::string>& names) {
  if (!names.empty()) return LoadScenarios(names);
  absl::StatusOr<std::vector<LoadedScenario>> corpus = LoadCorpus();
  if (!corpus.ok()) return corpus.status();
  for (const LoadedScenario& loaded : *corpus) {
    if (absl::Status good = CheckScenario(loaded); !good.ok()) return good;
  }
  return corpus;
}

// Leaves those of which all was done.
void LeaveOutUnfinished(CheckedCatalogue& checked) {
  std::vector<LoadedScenario> scenarios;
  std::vector<ScenarioOutcome> outcomes;
  for (std::size_t i = 0; i < checked.outcomes.size(); ++i) {
    if (checked.outcomes[i].left != 0) continue;
    scenarios.push_back(std::move(checked.scenarios[i]));
    outcomes.push_back(std::move(checked.outcomes[i]));
  }
  checked.left_out_count = checked.scenarios.size() - scenarios.size();
  checked.scenarios = std::move(scenarios);
  checked.outcomes = std::move(outcomes);
}

absl::Status WriteMarkdown(const CheckedCatalogue& checked, const std::string& file) {
  const absl::StatusOr<std::string> before = ReadWholeFile(file, kMarkdownBytesMax);
  if (!before.ok()) return before.status();
  const absl::StatusOr<std::string> after =
      WithCatalogueTable(*before, CatalogueMarkdown(checked), file);
  if (!after.ok()) return after.status();
  return WriteWholeFile(file, *after);
}

}  // namespace

int CheckScenarios(const ScenariosCheckFlags& flags) {
  absl::StatusOr<std::vector<LoadedScenario>> scenarios = Load(flags.scenarios);
  if (!scenarios.ok()) return Fail(scenarios.status());
  CheckedCatalogue checked{
      .scenarios = *std::move(scenarios), .outcomes = {}, .request = flags.request};
  if (!flags.markdown.empty()) {
    // Tried first with no table, so that a wrong file costs no search.
    if (absl::Status s = CanWriteWholeFile(flags.markdown); !s.ok()) return Fail(s);
    const absl::StatusOr<std::string> before = ReadWholeFile(flags.markdown, kMarkdownBytesMax);
    if (!before.ok()) return Fail(before.status());
    if (const auto after = WithCatalogueTable(*before, "", flags.markdown); !after.ok()) {
      return Fail(after.status());
    }
  }
  NoticeInterrupts();

  ProgressLine progress(!flags.json);
  const CatalogueHandler handler{
      .progress = [&](std::size_t done, std::size_t all) {
        progress.Show(absl::StrFormat("%d of %d searches", done, all));
      },
      .interrupted = &Interrupted};
  const absl::Status status =
      CheckCatalogue(checked.scenarios, checked.request, handler, &checked.outcomes);
  progress.Clear();
  checked.interrupted = absl::IsCancelled(status);
  if (!status.ok() && !checked.interrupted) return Fail(status);
  LeaveOutUnfinished(checked);
  if (flags.json) {
    PrintJson(CatalogueJson(checked));
  } else if (!checked.scenarios.empty()) {
    std::printf("%s", CatalogueText(checked).c_str());
  }
  if (checked.interrupted) {
    spdlog::info("interrupted; {} of {} scenarios were checked{}", checked.scenarios.size(),
                 checked.scenarios.size() + checked.left_out_count,
                 flags.markdown.empty() ? "" : ", and no table was written");
    return checked.DifferCount() == 0 ? kExitLimit : kExitFinding;
  }
  if (!flags.markdown.empty()) {
    if (absl::Status written = WriteMarkdown(checked, flags.markdown); !written.ok()) {
      return Fail(written);
    }
  }
  return checked.DifferCount() == 0 ? kExitDone : kExitFinding;
}

}  // namespace shootdown
