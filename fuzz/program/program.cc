#include "fuzz/program/program.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "fuzz/base/check.h"
#include "fuzz/program/full_stack.h"

namespace shootdown::program {
namespace {

// Function pointers have no state, so the machine's callbacks find the program here.
Program* live = nullptr;

// A run of it is over, and the check at the end looks at what the run left.
bool at_the_end = false;

// A mistake of who wrote the program, and not one of its runs: there is nothing to run.
[[noreturn]] void Refuse(const std::string& name, const std::string& words) {
  std::fprintf(stderr, "program \"%s\": %s\n", name.c_str(), words.c_str());
  std::abort();
}

void RequireRange(const std::string& name, const char* what, std::uint64_t found, std::uint64_t low,
                  std::uint64_t high) {
  if (found >= low && found <= high) return;
  Refuse(name, std::string(what) + ": found " + std::to_string(found) + ", wanted " +
                   std::to_string(low) + " to " + std::to_string(high));
}

// Runs `code` of the user's. What it throws goes no further: below may be another stack, or a search.
template <class Code, class Where>
void CatchAll(const Code& code, const Where& where) {
  try {
    code();
  } catch (const std::exception& e) {
    Refuse(live->name(), "found an exception out of " + where() + ", wanted none: " + e.what());
  } catch (...) {
    Refuse(live->name(), "found an exception out of " + where() + ", wanted none");
  }
}

// Judged before the machine is made, which knows nothing of who asks for it.
sim::MachineConfig ForProgram(const std::string& name, sim::MachineConfig config,
                              std::size_t cpu_count) {
  if (live != nullptr) {
    Refuse(name, "found program \"" + live->name() + "\" alive, wanted one at a time in a process");
  }
  RequireRange(name, "threads", cpu_count, 1, kCpuCountMax);
  RequireRange(name, "machine.store_buffer_entries",
               static_cast<std::uint64_t>(config.store_buffer_entries), 1, 16);
  RequireRange(name, "machine.tlb_entries", static_cast<std::uint64_t>(config.tlb_entries), 1, 64);
  RequireRange(name, "machine.tlb_sharing", static_cast<std::uint64_t>(config.tlb_sharing), 1, 8);
  RequireRange(name, "machine.mondo_queue_entries",
               static_cast<std::uint64_t>(config.mondo_queue_entries), 1, 16);
  // Behind that no schedule can name a step.
  RequireRange(name, "machine.step_count_max", config.step_count_max, 1, 65'535);
  config.cpu_count = static_cast<int>(cpu_count);
  return config;
}

}  // namespace

Program::Program(std::string name, sim::MachineConfig config, std::size_t cpu_count)
    : name_(std::move(name)), machine_(ForProgram(name_, config, cpu_count)) {
  live = this;
  SayWhenAStackIsFull();
}

Program::~Program() { live = nullptr; }

Program& Program::Live() {
  SHOOTDOWN_CHECK(live != nullptr);
  return *live;
}

sim::Arena& Program::RoomFor(std::size_t bytes) {
  RequireRange(name_, "bytes of the state", bytes, 0,
               sim::kArenaGuestBytes - machine_.arena().used_bytes());
  return machine_.arena();
}

void Program::Start(std::vector<std::function<void()>> threads, std::function<void()> at_end,
                    Handlers handlers) {
  // Also those that have no CPU at first.
  RequireRange(name_, "threads", threads.size(), 1, ActorId::kNumberCount);
  threads_ = std::move(threads);
  at_end_ = std::move(at_end);
  handlers_ = std::move(handlers);
  sim::Guest guest{
      .thread_main = &ThreadMain, .sends_mondos = !handlers_.mondos.empty(), .quiet = &Quiet};
  if (handlers_.softint) guest.softint = [](int level) { live->handlers_.softint(level); };
  if (handlers_.nmi) guest.nmi = [] { live->handlers_.nmi(); };
  if (handlers_.interrupt_return) {
    guest.interrupt_return = [] { live->handlers_.interrupt_return(); };
  }
  if (handlers_.walk) {
    guest.can_walk = [](VirtPage) { return live->handlers_.can_walk(); };
    guest.walk = [](VirtPage) { live->handlers_.walk(); };
    guest.walk_page_count = 1;
  }
  machine_.SetGuest(guest);
  const int bound = std::min(machine_.cpu_count(), static_cast<int>(threads_.size()));
  for (int c = 0; c < bound; ++c) {
    machine_.BindThread(CpuId(static_cast<std::uint8_t>(c)), TaskActor(c));
  }
  machine_.TakeSnapshot();
}

const sim::Violation* Program::RunOnce(sim::Scheduler& scheduler) {
  if (cell_bytes != 0 || at_the_end) Refuse(name_, "found a run within a run, wanted one after the other");
  violation_.reset();
  cell_bytes = machine_.arena().used_bytes();
  end_ = machine_.Run(scheduler);
  cell_bytes = 0;
  if (end_ == sim::RunEnd::kBudget) {
    violation_ = {
        .check = "livelock",
        .message = "not done after " + std::to_string(machine_.config().step_count_max) + " steps",
        .row = machine_.row(),
        .at_end = true};
  }
  return violation_ ? &*violation_ : nullptr;
}

void Program::Quiet() {
  for (int c = 0; c < live->machine_.cpu_count(); ++c) {
    if (!live->machine_.WaitsBlocked(c)) continue;
    live->violation_ = {.check = "deadlock",
                        .message = "nothing can go on: " + live->machine_.DescribeWaits(),
                        .row = live->machine_.row(),
                        .at_end = true};
    return;
  }
  if (!live->at_end_) return;
  at_the_end = true;
  const std::size_t bytes = std::exchange(cell_bytes, 0);
  CatchAll(live->at_end_, [] { return std::string("the check at the end"); });
  cell_bytes = bytes;
  at_the_end = false;
}

void Program::Fail(const char* message) {
  if (at_the_end) Refuse(name_, "found REQUIRE in the check at the end, wanted REQUIRE_AT_END");
  if (cell_bytes == 0) Refuse(name_, "found REQUIRE outside of a run, wanted it in a thread");
  Reject(message);
  machine_.StopRun();
}

void Program::RejectAtEnd(std::string message) {
  if (!at_the_end) {
    Refuse(name_, "found REQUIRE_AT_END outside of the check at the end, wanted REQUIRE in a thread");
  }
  if (violation_) return;
  violation_ = {
      .check = "assertion", .message = std::move(message), .row = machine_.row(), .at_end = true};
}

void Program::Reject(std::string message) {
  if (violation_) return;
  violation_ = {.check = "assertion", .message = std::move(message), .row = machine_.row()};
}

void RefuseStep(const char* step) {
  const std::string found = "found " + std::string(step);
  if (live == nullptr) Refuse("", found + " where no program lives, wanted it in a thread of one");
  if (at_the_end) {
    Refuse(live->name(),
           found + " in the check at the end, wanted no step there: it looks at cells with Peek");
  }
  if (cell_bytes == 0) Refuse(live->name(), found + " outside of a run, wanted it in a thread");
  Refuse(live->name(), found + " on what is no part of the state, wanted a cell of the state");
}

void RefuseWaiter(const char* step, int cpu) {
  Refuse(live->name(), "found " + std::string(step) + " on CPU " + std::to_string(cpu) +
                           ", wanted CPU 0 to " + std::to_string(Condition::kWaiterCpuCount - 1) +
                           ": a condition has a bit for each");
}

bool Program::SendMondo(const sim::Site& site, int target, std::uint64_t number) {
  if (cell_bytes == 0) RefuseStep("SendMondo");
  return machine_.SendMondo(site, target, sim::Mondo{.handler = &RunMondo, .a0 = number});
}

void Program::ThreadMain(ActorId thread, bool /*switched_in*/) {
  CatchAll(live->threads_[static_cast<std::size_t>(thread.number())],
           [thread] { return "T" + std::to_string(thread.number()); });
}

void Program::RunMondo(std::uint64_t number, std::uint64_t /*a1*/, std::uint64_t /*a2*/) {
  live->handlers_.mondos[number]();
}

}  // namespace shootdown::program
