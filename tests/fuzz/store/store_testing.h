// What the tests of the store share: things to store, child processes, and RocksDB without us.
#ifndef SHOOTDOWN_TESTS_FUZZ_STORE_STORE_TESTING_H_
#define SHOOTDOWN_TESTS_FUZZ_STORE_STORE_TESTING_H_

#include <fcntl.h>
#include <rocksdb/db.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/base/check.h"
#include "fuzz/corpus/failure.h"
#include "fuzz/store/store.h"

namespace shootdown {

inline const std::string kScenarioKey = ScenarioKey("name: \"a\"\n");

// Number `n` of a series of failures with different ids.
inline Failure NumberedFailure(int n) {
  const std::string schedule = "T0@" + std::to_string(n) + ">C1 T1@2>C1";
  return {.scenario_name = "s",
          .scenario_text = "name: \"s\"\nsummary: \"s\"\nmachine { cpus: 2 }\n"
                           "task { name: \"a\" op: \"mmap A\" }\nexpect { clean: true }\n",
          .found_scenario_text = "",
          .schedule_text = schedule,
          .anchors = {{.site = "a", .occurrence = 0}, {.site = "b", .occurrence = 0}},
          .found_schedule_text = schedule,
          .check = "stale_tlb_use",
          .kind_key = "k",
          .signature = std::string(32, '0'),
          .message = "m",
          .why = "w",
          .trace_hash = std::string(32, '0'),
          .trace = {},
          .proof = {},
          .scenario_proof = {}};
}

// The same failure, minimized: a better record under the same id.
inline Failure Minimized(Failure failure) {
  failure.schedule_text = "T0@1>C1";
  failure.anchors.resize(1);
  failure.minimized = true;
  failure.proof = {{.without = failure.schedule_text, .verdict = "clean"}};
  return failure;
}

inline std::vector<std::uint8_t> Input(int n) {
  return {static_cast<std::uint8_t>(n), static_cast<std::uint8_t>(n >> 8), 0, 1, 2, 3, 4, 5};
}

// The program tests_store_child (store_child.cc), started with `arguments`. A child is always a new
// program: RocksDB's threads do not survive a fork. It dies with the test, however that ends.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    arguments.insert(
        arguments.begin(),
        (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "tests_store_child")
            .string());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int ends[2];
    SHOOTDOWN_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    SHOOTDOWN_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      // In this order: a parent that dies between the two is noticed by the second.
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(126);
      ::dup2(ends[1], STDOUT_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) {
      Kill();
      Wait();
    }
    ::close(output_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next number it printed (as bytes), or nothing when it has ended.
  [[nodiscard]] std::optional<int> ReadNumber() const {
    int number = 0;
    if (::read(output_, &number, sizeof number) != sizeof number) return std::nullopt;
    return number;
  }
  void Kill() const { ::kill(pid_, SIGKILL); }
  // Its exit status, or -1 if it was killed.
  int Wait() {
    int status = 0;
    SHOOTDOWN_CHECK(::waitpid(std::exchange(pid_, -1), &status, 0) > 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

// A database opened behind the store's back, with all families it has.
class RawDatabase {
 public:
  explicit RawDatabase(const std::string& path, bool create = false) {
    rocksdb::Options options;
    options.create_if_missing = create;
    std::vector<std::string> names = {rocksdb::kDefaultColumnFamilyName};
    if (!create) {
      SHOOTDOWN_CHECK(rocksdb::DB::ListColumnFamilies(options, path, &names).ok());
    }
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) {
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    rocksdb::DB* db = nullptr;
    SHOOTDOWN_CHECK(rocksdb::DB::Open(options, path, families, &handles_, &db).ok());
    db_.reset(db);
  }
  ~RawDatabase() {
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;

  void Put(const std::string& family, const std::string& key, const std::string& value) {
    SHOOTDOWN_CHECK(db_->Put({}, Family(family), key, value).ok());
  }
  void Delete(const std::string& family, const std::string& key) {
    SHOOTDOWN_CHECK(db_->Delete({}, Family(family), key).ok());
  }
  std::string Get(const std::string& family, const std::string& key) {
    std::string value;
    SHOOTDOWN_CHECK(db_->Get({}, Family(family), key, &value).ok());
    return value;
  }
  void DropFamily(const std::string& family) {
    SHOOTDOWN_CHECK(db_->DropColumnFamily(Family(family)).ok());
  }
  void CreateFamily(const std::string& family) {
    handles_.push_back(nullptr);
    SHOOTDOWN_CHECK(db_->CreateColumnFamily({}, family, &handles_.back()).ok());
  }
  void Flush(const std::string& family) { SHOOTDOWN_CHECK(db_->Flush({}, Family(family)).ok()); }

 private:
  rocksdb::ColumnFamilyHandle* Family(const std::string& name) {
    for (auto* handle : handles_) {
      if (handle->GetName() == name) return handle;
    }
    CheckFailed(__FILE__, __LINE__, "no such family");
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// All that a store holds, in words that compare.
inline std::vector<std::string> Content(const Store& store) {
  std::vector<std::string> content;
  const auto failures = store.ListFailures();
  SHOOTDOWN_CHECK(failures.ok());
  SHOOTDOWN_CHECK(failures->damaged.empty());
  for (const Failure& f : failures->failures) {
    content.push_back(FailureId(f) + ' ' + f.schedule_text + ' ' + f.message + ' ' + f.why + ' ' +
                      std::to_string(f.minimized) + ' ' + std::to_string(f.seed));
  }
  const auto scenarios = store.ListScenarioKeys();
  SHOOTDOWN_CHECK(scenarios.ok());
  for (const std::string& scenario : *scenarios) {
    const auto inputs = store.ListInputs(scenario);
    SHOOTDOWN_CHECK(inputs.ok());
    SHOOTDOWN_CHECK(inputs->damaged.empty());
    for (const auto& input : inputs->inputs) {
      content.push_back(scenario + ' ' + std::string(input.begin(), input.end()));
    }
  }
  return content;
}

}  // namespace shootdown

#endif  // SHOOTDOWN_TESTS_FUZZ_STORE_STORE_TESTING_H_
