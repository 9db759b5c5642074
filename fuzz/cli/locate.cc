#include "fuzz/cli/locate.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "fuzz/base/natural_order.h"
#include "fuzz/cli/nearest_name.h"
#include "fuzz/process/data_folder.h"
#include "proto/failure_file.h"
#include "proto/file_io.h"

namespace shootdown {
namespace {

namespace fs = std::filesystem;

constexpr char kSuffix[] = ".textproto";

}  // namespace

std::string ProgramFolder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path().string();
}

absl::StatusOr<std::string> CorpusFolder() {
  std::error_code error;
  if (const char* const given = std::getenv("SHOOTDOWN_CORPUS"); given != nullptr) {
    if (fs::is_directory(given, error)) return std::string(given);
    return absl::NotFoundError(
        absl::StrFormat("$SHOOTDOWN_CORPUS is \"%s\", which is no folder", given));
  }
  const fs::path program = ProgramFolder();
  // Installed: bin beside share. Built: build/<preset>/bin in the checkout.
  for (const fs::path& candidate :
       {program / "../share/shootdown/corpus", program / "../../../corpus"}) {
    if (fs::is_directory(candidate, error)) return fs::weakly_canonical(candidate, error).string();
  }
  return absl::NotFoundError(
      "the folder of scenarios was not found beside the program; set $SHOOTDOWN_CORPUS to it");
}

namespace {

// The files of scenarios in `folder`, ascending.
absl::StatusOr<std::vector<fs::path>> ScenarioFiles(const std::string& folder) {
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(folder, folder);
  if (!names.ok()) return names.status();
  std::vector<fs::path> paths;
  for (const std::string& name : *names) {
    if (fs::path(name).extension() == kSuffix) paths.push_back(fs::path(folder) / name);
  }
  std::ranges::sort(paths);
  return paths;
}

absl::Status NoSuchScenario(const std::string& name, const std::string& folder) {
  const absl::StatusOr<std::vector<fs::path>> paths = ScenarioFiles(folder);
  if (!paths.ok()) return paths.status();
  std::vector<std::string> names;
  for (const fs::path& path : *paths) names.push_back(path.stem().string());
  const std::optional<std::string> nearest = NearestName(name, names);
  return absl::NotFoundError(absl::StrFormat(
      "found scenario \"%s\", wanted a file, or one of those that `shootdown scenarios` lists%s", name,
      nearest ? absl::StrFormat("; the nearest is \"%s\"", *nearest) : ""));
}

absl::StatusOr<LoadedScenario> LoadFile(const std::string& path) {
  LoadedScenario loaded;
  absl::StatusOr<Scenario> scenario = ReadScenarioFile(path, &loaded.locations);
  if (!scenario.ok()) return scenario.status();
  loaded.scenario = *std::move(scenario);
  loaded.text = PrintScenario(loaded.scenario);
  return loaded;
}

}  // namespace

absl::StatusOr<std::vector<LoadedScenario>> LoadCorpus() {
  const absl::StatusOr<std::string> folder = CorpusFolder();
  if (!folder.ok()) return folder.status();
  const absl::StatusOr<std::vector<fs::path>> paths = ScenarioFiles(*folder);
  if (!paths.ok()) return paths.status();
  std::vector<LoadedScenario> all;
  for (const fs::path& path : *paths) {
    absl::StatusOr<LoadedScenario> loaded = LoadFile(path.string());
    if (!loaded.ok()) return loaded.status();
    all.push_back(*std::move(loaded));
  }
  std::ranges::sort(all, [](const LoadedScenario& a, const LoadedScenario& b) {
    return NaturalLess(a.scenario.name, b.scenario.name);
  });
  return all;
}

absl::StatusOr<LoadedScenario> LoadScenario(const std::string& name) {
  std::error_code error;
  const bool looks_like_file =
      name.find('/') != std::string::npos || fs::path(name).extension() == kSuffix;
  if (looks_like_file) return LoadFile(name);
  const absl::StatusOr<std::string> folder = CorpusFolder();
  if (!folder.ok()) return folder.status();
  const fs::path path = fs::path(*folder) / (name + kSuffix);
  if (fs::is_regular_file(path, error)) return LoadFile(path.string());
  if (fs::is_regular_file(name, error)) return LoadFile(name);
  return NoSuchScenario(name, *folder);
}

absl::StatusOr<std::vector<LoadedScenario>> LoadScenarios(const std::vector<std::string>& names) {
  std::vector<LoadedScenario> all;
  std::set<std::string_view> texts;
  all.reserve(names.size());  // `texts` looks into it
  for (const std::string& name : names) {
    absl::StatusOr<LoadedScenario> loaded = LoadScenario(name);
    if (!loaded.ok()) return loaded.status();
    if (absl::Status good = CheckScenario(*loaded); !good.ok()) return good;
    all.push_back(*std::move(loaded));
    if (!texts.insert(all.back().text).second) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "found scenario \"%s\" twice, wanted each once", all.back().scenario.name));
    }
  }
  return all;
}

absl::StatusOr<LoadedScenario> ParseStoredScenario(const Failure& failure) {
  return ParseLoadedScenario(failure.scenario_text, "scenario of failure " + FailureId(failure));
}

absl::StatusOr<Scenario> ParseFoundScenario(const Failure& failure) {
  return ParseScenario(FoundScenarioText(failure),
                       "scenario as found of failure " + FailureId(failure));
}

std::string StorePath(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* const env = std::getenv("SHOOTDOWN_STORE"); env != nullptr && *env != '\0') {
    return env;
  }
  return DataFolder("store");
}

std::string StoreFlag(const std::string& given) {
  if (given.empty()) return "";
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+,:=@%";
  if (given.find_first_not_of(kPlain) == std::string::npos) return " --store " + given;
  return " --store '" + absl::StrReplaceAll(given, {{"'", "'\\''"}}) + "'";
}

absl::StatusOr<Failure> LoadFailure(const std::string& name, const std::string& store) {
  std::error_code error;
  if (name.find('/') != std::string::npos || fs::is_regular_file(name, error)) {
    return ReadFailureFile(name);
  }
  if (!Store::MayBeFailureId(name)) {
    return absl::NotFoundError(absl::StrFormat(
        "%s: no such file, and no id of a failure, which is 1 to 16 of 0-9 a-f", name.empty() ? "\"\"" : name));
  }
  const absl::StatusOr<std::unique_ptr<Store>> open =
      Store::Open(StorePath(store), OpenMode::kReadOnly);
  if (!open.ok()) return open.status();
  return (*open)->GetFailure(name);
}

absl::StatusOr<StoredRun> LoadStoredRun(const std::string& name, const std::string& store) {
  absl::StatusOr<Failure> failure = LoadFailure(name, store);
  if (!failure.ok()) return failure.status();
  absl::StatusOr<LoadedScenario> loaded = ParseStoredScenario(*failure);
  if (!loaded.ok()) return loaded.status();
  absl::StatusOr<Scenario> found = ParseFoundScenario(*failure);
  if (!found.ok()) return found.status();
  absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(*loaded);
  if (!simulation.ok()) return simulation.status();
  return StoredRun{.failure = *std::move(failure),
                   .loaded = *std::move(loaded),
                   .found = *std::move(found),
                   .simulation = *std::move(simulation)};
}

}  // namespace shootdown
