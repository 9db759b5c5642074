#include "fuzz/kernel/ops.h"

#include <charconv>
#include <map>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/user_access.h"

namespace shootdown::kernel {
namespace {

using OpMap = std::map<std::string_view, OpSpec>;

OpMap& Registered() {
  static OpMap ops;
  return ops;
}

OpMap& Ops() {
  static const bool built_in = [] {
    RegisterMemoryOps();
    RegisterMlockOps();
    RegisterProtectOps();
    RegisterFileOps();
    RegisterReclaimOps();
    RegisterKvmGuestOps();
    RegisterXenOps();
    RegisterTextPokeOps();
    RegisterMembarrierOps();
    RegisterTaskOps();
    RegisterIoUringOps();
    RegisterSqoTaskOps();
    RegisterVhostOps();
    RegisterUserfaultfdOps();
    RegisterProcOps();
    RegisterCoredumpOps();
    RegisterSparc64Ops();
    RegisterExecOps();
    RegisterBinderOps();
    RegisterHotplugOps();
    return true;
  }();
  (void)built_in;
  return Registered();
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (c == ' ' || c == '\t') {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

// -1 if `word` is not a plain number.
int Number(const std::string& word) {
  int value = -1;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value);
  return error == std::errc() && stop == end ? value : -1;
}

// Fills `value`, or returns what was wanted.
std::string Resolve(const std::string& word, ArgKind kind, const OpSpec& spec,
                    const BindContext& context, std::uint64_t* value) {
  switch (kind) {
    case ArgKind::kPage:
      if (word.size() != 1 || word[0] < 'A' || word[0] >= 'A' + kVirtPageCount) {
        return "a page, A to H";
      }
      *value = static_cast<std::uint64_t>(word[0] - 'A');
      return "";
    case ArgKind::kCount: {
      const int n = Number(word);
      if (n < 1 || n > kVirtPageCount) return "a number of pages, 1 to 8";
      *value = static_cast<std::uint64_t>(n);
      return "";
    }
    case ArgKind::kCpu: {
      const int n = Number(word);
      if (n < 0 || n >= context.cpu_count) {
        return "a CPU, 0 to " + std::to_string(context.cpu_count - 1);
      }
      *value = static_cast<std::uint64_t>(n);
      return "";
    }
    case ArgKind::kTask: {
      const int n = context.task_number(word);
      if (n < 0) return "the name of a task of this scenario";
      *value = static_cast<std::uint64_t>(n);
      return "";
    }
    case ArgKind::kImage: {
      const int n = context.new_process(word);
      if (n < 0) return "a process that no task is of, among at most 15";
      *value = static_cast<std::uint64_t>(n);
      return "";
    }
    case ArgKind::kAccess:
      if (word != "read" && word != "write") return "read or write";
      *value = static_cast<std::uint64_t>(word == "read" ? UserAccessKind::kRead
                                                         : UserAccessKind::kWrite);
      return "";
    case ArgKind::kObject:
      *value = reinterpret_cast<std::uint64_t>(spec.object(context.kernel, word));
      return "";
  }
  return "nothing that exists";
}

}  // namespace

void RegisterOp(const OpSpec& spec) {
  const bool added = Registered().emplace(spec.name, spec).second;
  SHOOTDOWN_CHECK(added);
  SHOOTDOWN_CHECK(spec.args.size() <= std::tuple_size_v<decltype(BoundOp::args)>);
}

std::vector<const OpSpec*> AllOps() {
  std::vector<const OpSpec*> all;
  for (const auto& [name, spec] : Ops()) all.push_back(&spec);
  return all;
}

std::string BindOp(std::string_view text, const BindContext& context, BoundOp* bound) {
  const std::vector<std::string> words = Words(text);
  if (words.empty()) return "found nothing, wanted an operation";
  const auto found = Ops().find(words[0]);
  if (found == Ops().end()) {
    return "found operation \"" + words[0] + "\", wanted one that `shootdown scenarios --ops` lists";
  }
  const OpSpec& spec = found->second;
  if (spec.who == OpSpec::Who::kUser && context.kthread) {
    return "found \"" + words[0] + "\" in a kernel thread, which has no mm, wanted it in a user task";
  }
  if (spec.who == OpSpec::Who::kKthread && !context.kthread) {
    return "found \"" + words[0] + "\" in a user task, wanted it in a kernel thread";
  }
  if ((spec.use == OpUse::kSetup || spec.use == OpUse::kBoot) && !context.in_setup) {
    return "found \"" + words[0] + "\" among the operations, wanted it in a setup";
  }
  const std::string_view arch = context.kernel.arch->name;
  if (!spec.arch.empty() && spec.arch != arch) {
    return "found \"" + words[0] + "\", which is an operation of " + std::string(spec.arch) +
           ", wanted one of " + std::string(arch);
  }
  const std::size_t given = words.size() - 1;
  if (given > spec.args.size() || given + spec.optional < spec.args.size()) {
    return "found " + std::to_string(given) + " arguments, wanted `" + std::string(spec.usage) + "`";
  }
  bound->spec = &spec;
  bound->args.fill(1);
  for (std::size_t i = 0; i < given; ++i) {
    const std::string wanted =
        Resolve(words[i + 1], spec.args[i], spec, context, &bound->args[i]);
    if (!wanted.empty()) return "found \"" + words[i + 1] + "\", wanted " + wanted;
  }
  // Page and count together must stay among A .. H.
  for (std::size_t i = 0; i + 1 < spec.args.size(); ++i) {
    if (spec.args[i] == ArgKind::kPage && spec.args[i + 1] == ArgKind::kCount &&
        bound->args[i] + bound->args[i + 1] > kVirtPageCount) {
      return "found " + std::to_string(bound->args[i + 1]) + " pages from " + words[i + 1] +
             ", wanted none beyond H";
    }
  }
  return "";
}

}  // namespace shootdown::kernel
