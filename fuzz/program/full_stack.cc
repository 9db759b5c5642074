#include "fuzz/program/full_stack.h"

#include <csignal>
#include <cstdio>

#include "fuzz/program/program.h"
#include "fuzz/sim/arena.h"
#include "fuzz/sim/machine.h"

namespace shootdown::program {
namespace {

struct sigaction before;

// On a stack of its own. It comes of an access that guest code makes, so nothing of ours is half done.
void OnFault(int /*signal*/, siginfo_t* info, void* /*context*/) {
  if (const auto full = sim::Arena::FullStack(info->si_addr); full) {
    std::fprintf(stderr, "program \"%s\": found the stack of %s full, wanted at most %zu KiB\n",
                 Program::Live().name().c_str(), ToText(sim::Machine::ThreadOfStack(*full)).c_str(),
                 sim::kStackBytes / 1024);
  }
  sigaction(SIGSEGV, &before, nullptr);  // and the access is made again
}

void UseAStackForSignals() {
  stack_t now{};
  if (sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  alignas(16) static thread_local char bytes[64 * 1024];
  const stack_t own{.ss_sp = bytes, .ss_flags = 0, .ss_size = sizeof bytes};
  sigaltstack(&own, nullptr);
}

}  // namespace

void SayWhenAStackIsFull() {
  UseAStackForSignals();
  struct sigaction now {};
  if (sigaction(SIGSEGV, nullptr, &now) != 0) return;
  if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == &OnFault) return;
  before = now;
  struct sigaction own {};
  own.sa_sigaction = &OnFault;
  own.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &own, nullptr);
}

}  // namespace shootdown::program
