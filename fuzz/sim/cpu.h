// What one CPU of the machine is doing: its registers, and what it waits for.
#ifndef SHOOTDOWN_FUZZ_SIM_CPU_H_
#define SHOOTDOWN_FUZZ_SIM_CPU_H_

#include <cstdint>

#include "fuzz/sim/guest.h"
#include "fuzz/sim/site.h"

namespace shootdown::sim {

// Registers, of the hardware and of the model. In the arena, so that the snapshot covers them; what rings
// hold is not (fuzz/sim/rings.h), since only the counts here say which of it is there.
struct alignas(8) Cpu {
  std::uint8_t ie = 1;
  std::uint8_t pil = 0;
  std::uint8_t interrupt_depth = 0;
  std::uint8_t nmi_pending = 0;
  std::uint8_t mondo_head = 0;
  std::uint8_t mondo_count = 0;
  std::uint8_t buffer_head = 0;
  std::uint8_t buffer_count = 0;
  std::uint16_t thread = 0;  // ActorId::code() of the thread that it runs
  std::uint16_t actor = 0;   // who takes its steps: the thread, or C<n> in a handler
  std::uint16_t defer_actor = 0;
  std::uint8_t has_thread = 0;
  std::uint16_t softint = 0;  // pending levels, a bit each
  std::uint16_t secondary = 0;
  // Interrupts wait until defer_actor has come to this step (0: they do not wait); mondos no longer
  // than to the second one, which is 0 whenever the first is.
  std::uint32_t defer_until = 0;
  std::uint32_t defer_mondo_until = 0;
  // Mondos, so far: that its handlers have run, and that it has taken in.
  std::uint32_t executed = 0;
  std::uint32_t accepted = 0;
};

// Else all words behind have other numbers, which traces are hashed with.
static_assert(sizeof(Cpu) == 40);

// On the stack of the thread that waits: the CPU goes on once pred(argument) is true.
struct Wait {
  bool (*pred)(const void*) = nullptr;
  const void* argument = nullptr;
  const Site* site = nullptr;
  WaitKind kind = WaitKind::kIdle;
  Await await = {};
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_CPU_H_
