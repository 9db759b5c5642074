#include "fuzz/scenario/generate.h"

#include <algorithm>
#include <bit>
#include <map>
#include <string>
#include <vector>

#include "fuzz/base/check.h"
#include "fuzz/base/prng.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/ops.h"

namespace shootdown {
namespace {

using kernel::ArgKind;
using kernel::OpSpec;
using kernel::OpUse;

using ObjectFactory = decltype(OpSpec::object);

// Few pages, so that tasks meet. Where there are two page tables, some are in the second.
constexpr int kPageCount = 3;

// What operations can be done on one kind of object: a ring, a device, a file.
struct ObjectKind {
  std::string name;  // of the operation that comes first in the alphabet
  const OpSpec* opens = nullptr;
  const OpSpec* closes = nullptr;
  const OpSpec* serves = nullptr;
  const OpSpec* awaits = nullptr;
};

struct Object {
  const ObjectKind* kind;
  std::string name;
  std::size_t owner;  // the task that opens it
  bool open = false;
  bool served = false;
  bool shared = false;   // others use it too, so it is not closed
  bool awaited = false;  // others wait for the end of its owner
};

bool Allowed(const OpSpec& spec, const TaskSpec& task) {
  return spec.who == OpSpec::Who::kAny || (spec.who == OpSpec::Who::kKthread) == task.kthread;
}

class Generator {
 public:
  Generator(std::uint64_t seed, std::string_view arch) : prng_(seed) {
    scenario_.name = "generated-" + std::to_string(seed);
    scenario_.summary = "random operations of " + std::to_string(seed) + ", which must stay clean";
    scenario_.expected = "clean";
    const auto archs = kernel::AllArchs();
    // The first is the one that has most to it.
    const std::size_t drawn = OneIn(2) ? 0 : static_cast<std::size_t>(Below(archs.size()));
    arch_ = arch.empty() ? archs[drawn] : kernel::FindArch(arch);
    scenario_.arch = arch_->name;
    for (const OpSpec* op : kernel::AllOps()) {
      if (!op->arch.empty() && op->arch != scenario_.arch) continue;
      ops_.push_back(op);
      if (op->object != nullptr) AddToKind(*op);
    }
  }

  Scenario Make() {
    ChooseMachine();
    const std::size_t count = 2 + Below(4);
    // Users come first, so that there is a process whatever else is drawn.
    const std::size_t users = 1 + Below(count);
    while (scenario_.tasks.size() < users) AddUser();
    if (OneIn(4)) awaited_process_ = scenario_.tasks[AnyOwner()].process;
    while (scenario_.tasks.size() < count) AddKthread();
    for (std::size_t n = Below(3); n > 0; --n) AddObject();
    if (!awaited_process_.empty()) AddAwaited();
    for (std::size_t t = 0; t < scenario_.tasks.size(); ++t) Fill(t);
    return scenario_;
  }

 private:
  std::size_t Below(std::size_t n) { return prng_.Below(static_cast<std::uint32_t>(n)); }
  bool OneIn(std::uint32_t n) { return prng_.OneIn(n); }
  template <class Items>
  const auto& Any(const Items& items) {
    return items[Below(items.size())];
  }

  void AddToKind(const OpSpec& op) {
    ObjectKind& kind = kinds_[op.object];
    if (kind.name.empty()) kind.name = op.name;
    if (op.use == OpUse::kOpens) kind.opens = &op;
    if (op.use == OpUse::kCloses) kind.closes = &op;
    if (op.use == OpUse::kServes) kind.serves = &op;
    if (op.use == OpUse::kAwaits) kind.awaits = &op;
  }

  // The ranges are those in which races are near: few CPUs, entries and numbers.
  void ChooseMachine() {
    sim::MachineConfig& m = scenario_.machine;
    const bool sparc64 = scenario_.arch == "sparc64";
    m.cpu_count = OneIn(8) ? 1 + static_cast<int>(Below(8)) : 2 + static_cast<int>(Below(3));
    m.memory_model = OneIn(3) ? sim::MemoryModel::kSc : sim::MemoryModel::kTso;
    m.store_buffer_entries = 1 << Below(4);
    m.tlb_entries = 1 << Below(3);
    // Only sparc64 knows strands that share a TLB.
    m.tlb_sharing = sparc64 && m.cpu_count > 1 && OneIn(4) ? 2 : 1;
    m.mondo_flavour = OneIn(2) ? sim::MondoFlavour::kSun4u : sim::MondoFlavour::kSun4v;
    // A cross call that is accepted, and not executed yet, lets a strand in its miss handler fill a
    // TLB which others share: a window that hardware has (fuzz/kernel/README.md).
    m.mondo_done =
        m.tlb_sharing > 1 || OneIn(2) ? sim::MondoDone::kExecuted : sim::MondoDone::kAccepted;
    m.mondo_queue_entries = 1 + static_cast<int>(Below(4));
    // As few context numbers as will do: each CPU can have a process of its own loaded, and one
    // number is the kernel's.
    const int loaded = m.cpu_count + arch_->spare_contexts;
    const int least =
        std::max(4, static_cast<int>(std::bit_ceil(static_cast<unsigned>(loaded + 1))));
    m.context_count = OneIn(2) ? least : 2 * least;
    m.tsb_entries = 1 << Below(3);
    m.page_count = 2 + static_cast<int>(Below(7));
    // Page tables come from the pool too, if hardware walks them.
    if (arch_->deferred_flush && OneIn(2)) m.page_count += 6;
    if (m.cpu_count > 1 && OneIn(4)) left_cpu_ = m.cpu_count - 1;
  }

  // A CPU that tasks may be on after their setup.
  std::size_t UsedCpu() {
    const int count = scenario_.machine.cpu_count - (left_cpu_ >= 0 ? 1 : 0);
    return Below(static_cast<std::size_t>(count));
  }
  std::string AnyCpu() { return std::to_string(UsedCpu()); }

  TaskSpec& NewTask(const char* letter) {
    TaskSpec task;
    task.name = letter + std::to_string(scenario_.tasks.size());
    task.cpu = static_cast<int>(UsedCpu());
    scenario_.tasks.push_back(task);
    return scenario_.tasks.back();
  }

  // Half of all users share the first process; some of those do not exist until they are started.
  void AddUser() {
    TaskSpec& task = NewTask("u");
    const bool first = scenario_.tasks.size() == 1;
    task.process = first || OneIn(2) ? "shared" : task.name;
    if (!first && task.process == "shared" && OneIn(3)) {
      unborn_.push_back(task.name);
      all_unborn_.push_back(task.name);
    } else if (OneIn(2)) {
      const std::size_t mapped = kPageCount + Below(2);
      task.setup = {Operation{"mmap A " + std::to_string(mapped)}, Operation{"touch " + AnyPage()}};
      // A CPU that it leaves may go on to borrow its mm.
      if (left_cpu_ >= 0 && OneIn(2)) {
        task.setup.push_back(Operation{"migrate " + std::to_string(left_cpu_)});
        task.setup.push_back(Operation{"migrate " + AnyCpu()});
      } else if (OneIn(3)) {
        task.setup.push_back(Operation{"migrate " + AnyCpu()});
      }
    }
  }

  // A kernel thread serves something of some user, or does what any task can do.
  void AddKthread() {
    TaskSpec& task = NewTask("k");
    task.kthread = true;
    std::vector<const ObjectKind*> served;
    for (const auto& [factory, kind] : kinds_) {
      if (kind.serves != nullptr) served.push_back(&kind);
    }
    // In the order of their names: addresses of functions order differently in every program.
    std::ranges::sort(served, {}, &ObjectKind::name);
    if (served.empty() || OneIn(3)) return;
    Object object{
        .kind = Any(served), .name = "served" + task.name, .owner = AnyOwner(), .served = true};
    // With the one that it has, its owner ends, and closes nothing more.
    const auto ends_owner = [&](const Object& other) {
      return other.owner == object.owner && other.kind->awaits != nullptr;
    };
    if (object.kind->awaits != nullptr && std::ranges::any_of(objects_, ends_owner)) return;
    task.ops = {Operation{std::string(object.kind->serves->name) + " " + object.name}};
    objects_.push_back(object);
  }

  // Something that is opened, and that no kernel thread serves.
  void AddObject() {
    std::vector<const ObjectKind*> opened;
    for (const auto& [factory, kind] : kinds_) {
      if (kind.opens != nullptr && kind.serves == nullptr && kind.awaits == nullptr) {
        opened.push_back(&kind);
      }
    }
    std::ranges::sort(opened, {}, &ObjectKind::name);
    if (opened.empty()) return;
    const ObjectKind* const kind = Any(opened);
    const std::size_t owner =
        kind->opens->who == OpSpec::Who::kAny ? Below(scenario_.tasks.size()) : AnyOwner();
    objects_.push_back({.kind = kind,
                        .name = "object" + std::to_string(objects_.size()),
                        .owner = owner,
                        .shared = OneIn(2) && !IsAwaited(scenario_.tasks[owner])});
  }

  // What others wait for the end of: an object that is served and whose owner closes it last, or
  // one that goes with the owner's mm. And who ends an mm for others.
  void AddAwaited() {
    for (const OpSpec* op : ops_) {
      if (op->use != OpUse::kHelps) continue;
      TaskSpec& task = NewTask("k");
      task.kthread = true;
      task.ops = {Operation{std::string(op->name)}};
    }
    for (Object& object : objects_) {
      object.awaited = object.kind->awaits != nullptr && IsAwaited(scenario_.tasks[object.owner]);
      if (object.awaited) return;
    }
    std::vector<const ObjectKind*> unserved;
    for (const auto& [factory, kind] : kinds_) {
      if (kind.awaits != nullptr && kind.serves == nullptr) unserved.push_back(&kind);
    }
    std::ranges::sort(unserved, {}, &ObjectKind::name);
    if (unserved.empty()) return;
    const auto owner = std::ranges::find(scenario_.tasks, awaited_process_, &TaskSpec::process);
    objects_.push_back({.kind = Any(unserved),
                        .name = "awaited",
                        .owner = static_cast<std::size_t>(owner - scenario_.tasks.begin()),
                        .awaited = true});
  }

  [[nodiscard]] bool IsAwaited(const TaskSpec& task) const {
    return !task.kthread && !awaited_process_.empty() && task.process == awaited_process_;
  }

  // A user task.
  std::size_t AnyOwner() {
    std::size_t users = 0;
    while (users < scenario_.tasks.size() && !scenario_.tasks[users].kthread) ++users;
    return Below(users);
  }

  [[nodiscard]] bool IsUnborn(const TaskSpec& task) const {
    return std::ranges::find(all_unborn_, task.name) != all_unborn_.end();
  }

  std::string AnyPage() {
    const bool second_table = arch_->deferred_flush && OneIn(4);
    const std::size_t page = Below(kPageCount) + (second_table ? kernel::kPtesPerTable : 0);
    return {static_cast<char>('A' + page)};
  }

  // What is awaited comes last: its owner may end with it.
  std::vector<Object*> ObjectsOf(std::size_t owner) {
    std::vector<Object*> mine;
    for (const bool awaited : {false, true}) {
      for (Object& object : objects_) {
        if (object.owner == owner && object.awaited == awaited) mine.push_back(&object);
      }
    }
    return mine;
  }

  // An object that this task may use so, or an empty name.
  std::string ObjectName(const OpSpec& op, std::size_t t) {
    if (op.use == OpUse::kAwaits) {
      const auto awaited = std::ranges::find_if(objects_, [&](const Object& object) {
        return object.awaited && object.kind == &kinds_[op.object];
      });
      return awaited == objects_.end() ? "" : awaited->name;
    }
    if (op.use == OpUse::kAnytime || op.use == OpUse::kMayWait) {
      const bool opened = kinds_[op.object].opens != nullptr;
      std::vector<std::string> names;
      for (const Object& object : objects_) {
        if (object.kind == &kinds_[op.object] && (object.shared || object.owner == t)) {
          names.push_back(object.name);
        }
      }
      // What nobody opens is there from the start, for all.
      if (!opened) return std::string(kinds_[op.object].name) + std::to_string(Below(2));
      return names.empty() ? "" : Any(names);
    }
    std::vector<std::string> names;
    for (const Object* object : ObjectsOf(t)) {
      if (object->kind == &kinds_[op.object] && object->open) names.push_back(object->name);
    }
    return names.empty() ? "" : Any(names);
  }

  // The words of an operation; empty if this task has nothing to do it with.
  std::string Words(const OpSpec& op, std::size_t t, const std::string& object) {
    std::string text(op.name);
    const std::size_t given = op.args.size() - Below(op.optional + 1);
    int pages_left = kernel::kVirtPageCount;
    for (std::size_t i = 0; i < given; ++i) {
      std::string word;
      switch (op.args[i]) {
        case ArgKind::kPage:
          word = AnyPage();
          pages_left = kernel::kVirtPageCount - (word[0] - 'A');
          break;
        case ArgKind::kCount: {
          // All pages of a table, now and then.
          const int most = std::min(pages_left, kPageCount);
          const bool table = pages_left >= kernel::kPtesPerTable && OneIn(4);
          word =
              std::to_string(table ? kernel::kPtesPerTable
                                   : 1 + static_cast<int>(Below(static_cast<std::size_t>(most))));
          break;
        }
        case ArgKind::kCpu:
          word = op.use == OpUse::kLeftCpu ? std::to_string(left_cpu_) : AnyCpu();
          break;
        case ArgKind::kImage:
          word = "image/" + scenario_.tasks[t].name;
          break;
        case ArgKind::kTask:
          if (op.use == OpUse::kStarts) {
            word = unborn_.back();
            unborn_.pop_back();
          } else {
            word = Any(scenario_.tasks).name;
          }
          break;
        case ArgKind::kAccess:
          word = OneIn(2) ? "read" : "write";
          break;
        case ArgKind::kObject:
          word = object.empty() ? ObjectName(op, t) : object;
          break;
      }
      if (word.empty()) return "";
      text += " " + word;
    }
    return text;
  }

  void Add(std::vector<Operation>& to, const std::string& words) {
    if (!words.empty()) to.push_back(Operation{words});
  }

  [[nodiscard]] bool CanTrap() const { return scenario_.machine.mondo_done == sim::MondoDone::kExecuted; }

  bool MayDo(const OpSpec& op, std::size_t t) {
    const TaskSpec& task = scenario_.tasks[t];
    if (!Allowed(op, task)) return false;
    switch (op.use) {
      case OpUse::kAnytime:
        return true;
      case OpUse::kMayWait:
        return !IsAwaited(task);
      case OpUse::kAwaits:
        return !IsAwaited(task) && !ObjectName(op, t).empty();
      case OpUse::kTrap:
        return CanTrap();
      case OpUse::kLeftCpu:
        return left_cpu_ >= 0 && !went_down_;
      case OpUse::kOwner:
        return op.object == nullptr || !ObjectName(op, t).empty();
      case OpUse::kStarts:
        return task.process == "shared" && !unborn_.empty() && !IsUnborn(task);
      default:
        return false;
    }
  }

  // What the next operation is drawn from: half of the time it is an everyday one of user tasks, so
  // that there is something to get wrong, and often something that only this task can do.
  std::vector<const OpSpec*> Choices(std::size_t t) {
    std::vector<const OpSpec*> all;
    std::vector<const OpSpec*> everyday;
    std::vector<const OpSpec*> own;
    for (const OpSpec* op : ops_) {
      if (!MayDo(*op, t)) continue;
      all.push_back(op);
      if (op->use == OpUse::kOwner) own.push_back(op);
      if (op->use == OpUse::kAnytime && op->who == OpSpec::Who::kUser && !op->args.empty() &&
          op->args[0] == ArgKind::kPage) {
        everyday.push_back(op);
      }
    }
    if (!own.empty() && OneIn(3)) return own;
    return !everyday.empty() && OneIn(2) ? everyday : all;
  }

  void Fill(std::size_t t) {
    TaskSpec& task = scenario_.tasks[t];
    if (!task.ops.empty()) return;  // it serves something
    for (Object* object : ObjectsOf(t)) {
      // A task that others start has no setup.
      const bool before = !IsUnborn(task) && (object->shared || OneIn(2));
      Add(before ? task.setup : task.ops, Words(*object->kind->opens, t, object->name));
      object->open = true;
    }
    for (const OpSpec* op : ops_) {
      const bool can = op->use == OpUse::kSetup && Allowed(*op, task) && !IsUnborn(task);
      if (can && OneIn(8)) Add(task.setup, Words(*op, t, ""));
    }
    for (const OpSpec* op : ops_) {
      const bool can = op->use == OpUse::kBoot && t == 0;
      if (can && OneIn(8)) task.setup.insert(task.setup.begin(), Operation{Words(*op, t, "")});
    }
    const std::size_t count = 2 + Below(8);
    for (std::size_t i = 0; i < count; ++i) {
      const std::vector<const OpSpec*> choices = Choices(t);
      if (choices.empty()) continue;
      const OpSpec* const op = Any(choices);
      Add(task.ops, Words(*op, t, ""));
      if (op->use == OpUse::kLeftCpu) went_down_ = true;
    }
    // Those that were not started during the work are started at its end by the first task: one
    // that never starts is a scenario of its own.
    for (const OpSpec* op : ops_) {
      while (t == 0 && op->use == OpUse::kStarts && !unborn_.empty()) {
        Add(task.ops, Words(*op, t, ""));
      }
    }
    for (Object* object : ObjectsOf(t)) {
      const ObjectKind& kind = *object->kind;
      const bool can =
          kind.closes != nullptr && !object->shared && (kind.serves == nullptr || object->served);
      if (can && (IsAwaited(task) || OneIn(2))) Add(task.ops, Words(*kind.closes, t, object->name));
    }
    End(t);
  }

  void End(std::size_t t) {
    TaskSpec& task = scenario_.tasks[t];
    const bool must = IsAwaited(task);
    std::vector<const OpSpec*> last;
    for (const OpSpec* op : ops_) {
      if (!Allowed(*op, task)) continue;
      if (op->use == OpUse::kLast) last.push_back(op);
      if (op->use == OpUse::kTrapLast && CanTrap() && !must) last.push_back(op);
      if (op->use == OpUse::kLastOfAll && must && !waits_for_threads_) last.push_back(op);
    }
    if (last.empty() || !(must || OneIn(2))) return;
    const OpSpec* const op = Any(last);
    if (op->use == OpUse::kLastOfAll) waits_for_threads_ = true;
    Add(task.ops, Words(*op, t, ""));
  }

  Prng prng_;
  Scenario scenario_;
  const kernel::Arch* arch_ = nullptr;
  int left_cpu_ = -1;  // all tasks leave it before their operations begin; -1: none is left
  bool went_down_ = false;
  std::string awaited_process_;     // others may wait for its end; empty: for none's
  bool waits_for_threads_ = false;  // a task of that process, at its end
  std::vector<const OpSpec*> ops_;
  std::map<ObjectFactory, ObjectKind> kinds_;
  std::vector<Object> objects_;
  std::vector<std::string> unborn_;      // to be started yet
  std::vector<std::string> all_unborn_;  // started by others at some time
};

}  // namespace

Scenario GenerateScenario(std::uint64_t seed, std::string_view arch) {
  SHOOTDOWN_CHECK(arch.empty() || kernel::FindArch(arch) != nullptr);
  return Generator(seed, arch).Make();
}

}  // namespace shootdown
