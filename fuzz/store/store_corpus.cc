#include "fuzz/store/store_corpus.h"

#include <optional>

#include "absl/strings/str_format.h"
#include "fuzz/store/store_keys.h"
#include "fuzz/store/store_record.h"
#include "fuzz/store/store_rocksdb.h"

namespace shootdown {

using store_keys::Family;

absl::Status CheckScenarioKey(const StoreDatabase& database, std::string_view key) {
  if (store_keys::IsScenarioKey(key)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("store %s: scenario key \"%s\", wanted %d of 0-9 a-f", database.path(),
                      std::string(key.substr(0, 64)), store_keys::kHashDigits));
}

absl::Status AddInputs(const StoreDatabase& database, std::span<const StoreBatch::Input> inputs,
                       rocksdb::WriteBatch& batch) {
  for (const StoreBatch::Input& input : inputs) {
    absl::Status key_ok = CheckScenarioKey(database, input.scenario_key);
    if (!key_ok.ok()) return key_ok;
    if (input.bytes.size() > Store::kInputBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrFormat("store %s: an input of %d bytes, wanted at most %d", database.path(),
                          input.bytes.size(), Store::kInputBytesMax));
    }
    const std::string_view bytes(reinterpret_cast<const char*>(input.bytes.data()),
                                 input.bytes.size());
    const std::string key = store_keys::InputKey(input.scenario_key, bytes);
    const std::string value = Seal(bytes);
    const absl::StatusOr<std::optional<std::string>> present = database.Get(Family::kCorpus, key);
    if (!present.ok() && present.status().code() != absl::StatusCode::kDataLoss) {
      return present.status();
    }
    if (present.ok() && *present == value) continue;
    batch.Put(database.Handle(Family::kCorpus), key, value);
  }
  return absl::OkStatus();
}

absl::StatusOr<Store::InputList> ListInputs(const StoreDatabase& database,
                                            std::string_view scenario_key) {
  if (absl::Status key_ok = CheckScenarioKey(database, scenario_key); !key_ok.ok()) return key_ok;
  Store::InputList list;
  const std::string prefix = store_keys::InputPrefix(scenario_key);
  absl::StatusOr<std::vector<std::string>> lost =
      database.Scan(Family::kCorpus, prefix, [&](std::string_view key, std::string_view value) {
        const std::optional<std::string_view> payload = Unseal(value);
        if (!payload.has_value() || store_keys::InputKey(scenario_key, *payload) != key) {
          const absl::Status damage = Damaged(Family::kCorpus, key, "the checksum does not fit");
          list.damaged.emplace_back(damage.message());
          return;
        }
        list.inputs.emplace_back(payload->begin(), payload->end());
      });
  if (!lost.ok()) return lost.status();
  list.damaged.insert(list.damaged.end(), lost->begin(), lost->end());
  return list;
}

// Jumps from scenario to scenario: '0' comes right after '/'.
absl::StatusOr<std::vector<std::string>> ListScenarioKeys(const StoreDatabase& database) {
  std::vector<std::string> keys;
  bool damaged = false;
  absl::Status looked = database.Look(Family::kCorpus, [&](rocksdb::Iterator& it) {
    for (it.SeekToFirst(); it.Valid(); it.Seek(keys.back() + '0')) {
      const std::string_view key = View(it.key()).substr(0, store_keys::kHashDigits);
      damaged = !store_keys::IsScenarioKey(key);
      if (damaged) return;
      keys.emplace_back(key);
    }
  });
  if (!looked.ok()) return looked;
  if (damaged) {
    return absl::DataLossError(absl::StrFormat(
        "store %s: damaged: corpus has a key that begins with no scenario key", database.path()));
  }
  return keys;
}

absl::StatusOr<bool> HasInput(const StoreDatabase& database, std::string_view scenario_key,
                              std::string_view input_hash) {
  if (absl::Status key_ok = CheckScenarioKey(database, scenario_key); !key_ok.ok()) return key_ok;
  const std::string key = store_keys::InputPrefix(scenario_key) + std::string(input_hash);
  const absl::StatusOr<std::optional<std::string>> read = database.Get(Family::kCorpus, key);
  if (!read.ok()) return read.status();
  const std::optional<std::string>& value = *read;
  if (!value.has_value()) return false;
  const std::optional<std::string_view> payload = Unseal(*value);
  if (!payload.has_value() || store_keys::InputKey(scenario_key, *payload) != key) {
    return Damaged(Family::kCorpus, key, "the checksum does not fit");
  }
  return true;
}

absl::StatusOr<Store::Compacted> CompactCorpus(StoreDatabase& database,
                                               const Store::KeepInput& keep,
                                               Store::DryRun dry_run) {
  if (absl::Status writable = database.CheckWritable(); !writable.ok()) return writable;
  Store::Compacted dropped;
  std::vector<std::string> keys;
  const absl::StatusOr<std::vector<std::string>> scenarios = ListScenarioKeys(database);
  if (!scenarios.ok()) return scenarios.status();
  for (const std::string& scenario : *scenarios) {
    // Damaged inputs that nobody wants go as well.
    const absl::StatusOr<std::vector<std::string>> lost =
        database.Scan(Family::kCorpus, store_keys::InputPrefix(scenario),
                      [&](std::string_view key, std::string_view value) {
                        if (keep(scenario, key.substr(store_keys::kHashDigits + 1))) return;
                        keys.emplace_back(key);
                        dropped.input_bytes += value.size();
                      });
    if (!lost.ok()) return lost.status();
  }
  dropped.input_count = keys.size();
  if (dry_run == Store::DryRun::kYes || keys.empty()) return dropped;
  absl::Status deleted = database.Update([&](rocksdb::WriteBatch& batch) {
    for (const std::string& key : keys) batch.Delete(database.Handle(Family::kCorpus), key);
    return absl::OkStatus();
  });
  if (deleted.ok()) deleted = database.CompactFamilies();
  if (!deleted.ok()) return deleted;
  return dropped;
}

}  // namespace shootdown
