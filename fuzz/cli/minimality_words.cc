#include "fuzz/cli/minimality_words.h"

#include "absl/strings/str_format.h"
#include "fuzz/cli/counted.h"

namespace shootdown {

std::string MinimalityText(const Failure& failure) {
  std::string name = MinimalityName(failure.minimality);
  switch (failure.minimality) {
    case Minimality::kUnknown:
      return failure.minimized ? "minimized by a version that did not ask for the minimum; "
                                 "`shootdown minimize` does"
                               : "not minimized";
    case Minimality::kOneMinimal:
      return absl::StrFormat(
          "%s: without any one decision it is gone; that no schedule of fewer decisions "
          "fails like this is not proven (%s)",
          name, Counted(failure.minimality_runs, "run"));
    case Minimality::kMinimum:
      if (failure.anchors.empty()) return name + ": it fails in the default order";
      // Another kind may do with one decision what these do with several: an interrupt that comes late, say.
      return absl::StrFormat(
          "%s: no schedule of fewer decisions, of the same kinds or switches, fails like this (%s)",
          name, Counted(failure.minimality_runs, "run"));
  }
  return name;
}

Json MinimalityJson(const Failure& failure) {
  if (failure.minimality == Minimality::kUnknown) return nullptr;
  return MinimalityName(failure.minimality);
}

}  // namespace shootdown
