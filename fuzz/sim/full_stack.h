// Whose stack is full: for who is told of an access that could not be made.
#ifndef SHOOTDOWN_FUZZ_SIM_FULL_STACK_H_
#define SHOOTDOWN_FUZZ_SIM_FULL_STACK_H_

#include <cstddef>
#include <cstdint>
#include <optional>

namespace shootdown::sim {

// The stack (Arena::Stack) in whose guard `address` is; nothing if it is in none. May be called in a signal
// handler.
[[nodiscard]] std::optional<std::size_t> FullStack(std::uintptr_t address);

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_FULL_STACK_H_
