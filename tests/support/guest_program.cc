#include "tests/support/guest_program.h"

#include <utility>

#include "fuzz/sim/trace.h"

namespace shootdown::testing {
namespace {

// Registers, as guest state: the snapshot clears them.
struct Registers {
  std::uint64_t value[GuestProgram::kRegisterCount] = {};
};

constexpr VirtPage kPage(0);  // the one whose page table entry is z
constexpr std::uint64_t kValid = std::uint64_t{1} << 63;

}  // namespace

GuestProgram::GuestProgram(Parts parts, sim::MachineConfig config, int cpu_count)
    : Program("guest", config,
              cpu_count != 0 ? static_cast<std::size_t>(cpu_count) : parts.threads.size()) {
  for (const char name : {'w', 'x', 'y', 'z'}) {
    cells_[CellNumber(name)] = machine().arena().Alloc<Word>(std::string(1, name));
  }
  reg = machine().arena().Alloc<Registers>("registers")->value;
  const auto with_this = [this](Code code) {
    return [this, code = std::move(code)] { code(*this); };
  };
  std::vector<std::function<void()>> threads;
  for (Code& code : parts.threads) threads.emplace_back(with_this(std::move(code)));
  Handlers handlers;
  for (Code& code : parts.mondos) handlers.mondos.emplace_back(with_this(std::move(code)));
  if (parts.softint) {
    handlers.softint = [this, softint = std::move(parts.softint)](int level) {
      softint(*this, level);
    };
  }
  if (parts.nmi) handlers.nmi = with_this(std::move(parts.nmi));
  if (parts.interrupt_return) handlers.interrupt_return = with_this(std::move(parts.interrupt_return));
  if (parts.walk != nullptr) {
    handlers.can_walk = [this] { return machine().tlb().Lookup(Ctx(0), kPage) == nullptr; };
    handlers.walk = [this, walk = parts.walk] { FillTlb(walk(*this)); };
  }
  Start(std::move(threads), nullptr, std::move(handlers));
}

std::uint64_t GuestProgram::Load(char name) { return cell(name).Load(SHOOTDOWN_SITE("load")); }

void GuestProgram::Store(char name, std::uint64_t value) {
  cell(name).Store(SHOOTDOWN_SITE("store"), value);
}

std::uint64_t GuestProgram::Add(char name, std::uint64_t value) {
  return cell(name).Rmw(SHOOTDOWN_SITE("add"), [value](std::uint64_t old) { return old + value; });
}

void GuestProgram::Fence() { machine().Fence(SHOOTDOWN_SITE("fence")); }

void GuestProgram::Act(std::uint64_t value) {
  machine().Action(SHOOTDOWN_SITE("act"), sim::StepKind::kAction, value);
}

bool GuestProgram::SendMondo(int target, std::uint64_t number) {
  return Program::SendMondo(SHOOTDOWN_SITE("mondo"), target, number);
}

std::uint64_t GuestProgram::Translate() {
  for (;;) {
    const sim::TlbEntry* const hit =
        machine().UserAccess(SHOOTDOWN_SITE("load user page"), /*is_store=*/false, kPage, kValid);
    if (hit != nullptr) return hit->pte & ~kValid;
    const std::uint64_t z = Load('z');
    machine().Action(SHOOTDOWN_SITE("tlb insert"), sim::StepKind::kTlbInsert, z);
    FillTlb(z);
  }
}

void GuestProgram::FillTlb(std::uint64_t z) {
  machine().tlb().Insert(Ctx(0), kPage, z | kValid, {});
}

void GuestProgram::WaitUntilEquals(char name, std::uint64_t value, sim::WaitKind kind) {
  const Word* const word = &cell(name);
  machine().WaitUntil(SHOOTDOWN_SITE("equals"), kind,
                     [word, value] { return word->Peek() == value; });
}

std::string LogText(const sim::Machine& machine) {
  std::string text;
  for (const sim::LogEntry& entry : machine.log()) text += sim::RowText(entry) + "\n";
  return text;
}

std::string StepsText(const sim::Machine& machine) {
  std::string text;
  for (const sim::LogEntry& entry : machine.log()) {
    if (!sim::IsStep(entry.kind)) continue;
    if (!text.empty()) text += ", ";
    text += ToText(ActorId(entry.actor)) + " " + sim::KindName(entry.kind);
  }
  return text;
}

}  // namespace shootdown::testing
