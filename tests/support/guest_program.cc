#include "tests/support/guest_program.h"

#include <algorithm>
#include <utility>

#include "fuzz/base/check.h"
#include "fuzz/sim/trace.h"

namespace shootdown::testing {
namespace {

GuestProgram* live = nullptr;

// Registers, as guest state: the snapshot clears them.
struct Registers {
  std::uint64_t value[GuestProgram::kRegisterCount] = {};
};

sim::MachineConfig WithCpuCount(sim::MachineConfig config, int cpu_count) {
  config.cpu_count = cpu_count;
  return config;
}

}  // namespace

GuestProgram::GuestProgram(Parts parts, sim::MachineConfig config, int cpu_count)
    : parts_(std::move(parts)),
      machine_(WithCpuCount(config,
                            cpu_count != 0 ? cpu_count : static_cast<int>(parts_.threads.size()))) {
  SHOOTDOWN_CHECK(live == nullptr);
  live = this;
  // Function pointers have no state, so they find the program through `live`.
  sim::Guest guest{.thread_main = &ThreadMain};
  if (parts_.softint != nullptr) guest.softint = [](int level) { live->parts_.softint(*live, level); };
  if (parts_.nmi != nullptr) guest.nmi = [] { live->parts_.nmi(*live); };
  if (parts_.interrupt_return != nullptr) {
    guest.interrupt_return = [] { live->parts_.interrupt_return(*live); };
  }
  if (parts_.quiet != nullptr) guest.quiet = [] { live->parts_.quiet(*live); };
  machine_.SetGuest(guest);

  for (const char name : {'w', 'x', 'y', 'z'}) {
    cells_[CellNumber(name)] = machine_.arena().Alloc<Word>(std::string(1, name));
  }
  reg = machine_.arena().Alloc<Registers>("registers")->value;
  const int bound = std::min(machine_.cpu_count(), static_cast<int>(parts_.threads.size()));
  for (int c = 0; c < bound; ++c) {
    machine_.BindThread(CpuId(static_cast<std::uint8_t>(c)), TaskActor(c));
  }
  machine_.TakeSnapshot();
}

GuestProgram::~GuestProgram() { live = nullptr; }

GuestProgram& GuestProgram::Live() {
  SHOOTDOWN_CHECK(live != nullptr);
  return *live;
}

void GuestProgram::ThreadMain(ActorId thread, bool /*switched_in*/) {
  live->parts_.threads[static_cast<std::size_t>(thread.number())](*live);
}

void GuestProgram::RunMondo(std::uint64_t number, std::uint64_t /*a1*/, std::uint64_t /*a2*/) {
  live->parts_.mondos[number](*live);
}

std::uint64_t GuestProgram::Load(char name) { return cell(name).Load(SHOOTDOWN_SITE("load")); }

void GuestProgram::Store(char name, std::uint64_t value) {
  cell(name).Store(SHOOTDOWN_SITE("store"), value);
}

std::uint64_t GuestProgram::Add(char name, std::uint64_t value) {
  return cell(name).Rmw(SHOOTDOWN_SITE("add"), [value](std::uint64_t old) { return old + value; });
}

void GuestProgram::Fence() { machine_.Fence(SHOOTDOWN_SITE("fence")); }

void GuestProgram::Act(std::uint64_t value) {
  machine_.Action(SHOOTDOWN_SITE("act"), sim::StepKind::kAction, value);
}

bool GuestProgram::SendMondo(int target, std::uint64_t number) {
  return machine_.SendMondo(SHOOTDOWN_SITE("mondo"), target,
                            sim::Mondo{.handler = &RunMondo, .a0 = number});
}

void GuestProgram::WaitUntilEquals(char name, std::uint64_t value, sim::WaitKind kind) {
  const Word* const word = &cell(name);
  machine_.WaitUntil(SHOOTDOWN_SITE("equals"), kind,
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
    const ActorId actor(entry.actor);
    if (!text.empty()) text += ", ";
    text += actor.letter() + std::to_string(actor.number()) + " " + sim::KindName(entry.kind);
  }
  return text;
}

}  // namespace shootdown::testing
