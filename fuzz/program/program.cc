#include "fuzz/program/program.h"

#include <algorithm>

#include "fuzz/base/check.h"

namespace shootdown::program {
namespace {

// Function pointers have no state, so the machine's callbacks find the program here.
Program* live = nullptr;

sim::MachineConfig WithCpuCount(sim::MachineConfig config, std::size_t cpu_count) {
  config.cpu_count = static_cast<int>(cpu_count);
  return config;
}

}  // namespace

Program::Program(std::string name, sim::MachineConfig config, std::size_t cpu_count)
    : name_(std::move(name)), machine_(WithCpuCount(config, cpu_count)) {
  SHOOTDOWN_CHECK(live == nullptr);
  live = this;
}

Program::~Program() { live = nullptr; }

Program& Program::Live() {
  SHOOTDOWN_CHECK(live != nullptr);
  return *live;
}

void Program::Start(std::vector<std::function<void()>> threads, std::function<void()> at_end,
                    Handlers handlers) {
  threads_ = std::move(threads);
  at_end_ = std::move(at_end);
  handlers_ = std::move(handlers);
  sim::Guest guest{.thread_main = &ThreadMain, .sends_mondos = !handlers_.mondos.empty(), .quiet = &Quiet};
  if (handlers_.softint) guest.softint = [](int level) { live->handlers_.softint(level); };
  if (handlers_.nmi) guest.nmi = [] { live->handlers_.nmi(); };
  if (handlers_.interrupt_return) {
    guest.interrupt_return = [] { live->handlers_.interrupt_return(); };
  }
  machine_.SetGuest(guest);
  const int bound = std::min(machine_.cpu_count(), static_cast<int>(threads_.size()));
  for (int c = 0; c < bound; ++c) {
    machine_.BindThread(CpuId(static_cast<std::uint8_t>(c)), TaskActor(c));
  }
  machine_.TakeSnapshot();
}

const sim::Violation* Program::RunOnce(sim::Scheduler& scheduler) {
  violation_.reset();
  end_ = machine_.Run(scheduler);
  if (end_ == sim::RunEnd::kBudget) {
    violation_ = {.check = "livelock",
                  .message = "not done after " +
                             std::to_string(machine_.config().step_count_max) + " steps",
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
  if (live->at_end_) live->at_end_();
}

void Program::Fail(const char* message) {
  Reject(message);
  machine_.StopRun();
}

void Program::Reject(std::string message) {
  if (violation_) return;
  violation_ = {.check = "assertion", .message = std::move(message), .row = machine_.row()};
}

bool Program::SendMondo(const sim::Site& site, int target, std::uint64_t number) {
  return machine_.SendMondo(site, target, sim::Mondo{.handler = &RunMondo, .a0 = number});
}

void Program::ThreadMain(ActorId thread, bool /*switched_in*/) {
  live->threads_[static_cast<std::size_t>(thread.number())]();
}

void Program::RunMondo(std::uint64_t number, std::uint64_t /*a1*/, std::uint64_t /*a2*/) {
  live->handlers_.mondos[number]();
}

}  // namespace shootdown::program
