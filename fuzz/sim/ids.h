// Names of the machine's parts.
#ifndef SHOOTDOWN_FUZZ_SIM_IDS_H_
#define SHOOTDOWN_FUZZ_SIM_IDS_H_

#include <cstdint>
#include <string>

#include "fuzz/base/strong_int.h"

namespace shootdown {

inline constexpr int kCpuCountMax = 64;

using CpuId = StrongInt<struct CpuIdTag, std::uint8_t>;
using Ctx = StrongInt<struct CtxTag, std::uint16_t>;        // MMU context number, 13 bits used
using VirtPage = StrongInt<struct VirtPageTag, std::uint8_t>;  // 0 is page A, 1 is page B, ...

// What can take a step. Two bits of class and six of number, so that every byte names an actor.
class ActorId {
 public:
  enum class Class : std::uint8_t {
    kTask = 0,    // T<n>: a user or kernel thread of the simulated kernel
    kIdle = 1,    // I<n>: the idle task of CPU n
    kCpu = 2,     // C<n>: the interrupt handlers of CPU n
    kBuffer = 3,  // B<n>: the store buffer of CPU n
  };
  constexpr ActorId() = default;
  constexpr explicit ActorId(std::uint8_t byte) : byte_(byte) {}
  constexpr ActorId(Class c, int number)
      : byte_(static_cast<std::uint8_t>((static_cast<int>(c) << 6) | (number & 63))) {}
  [[nodiscard]] constexpr Class actor_class() const { return static_cast<Class>(byte_ >> 6); }
  [[nodiscard]] constexpr int number() const { return byte_ & 63; }
  [[nodiscard]] constexpr std::uint8_t byte() const { return byte_; }
  // The letter of the text form: T, I, C or B.
  [[nodiscard]] constexpr char letter() const { return "TICB"[byte_ >> 6]; }
  friend constexpr auto operator<=>(ActorId, ActorId) = default;

 private:
  std::uint8_t byte_ = 0;
};

// `T1`, as people read it and schedules spell it.
inline std::string ToText(ActorId actor) {
  return actor.letter() + std::to_string(actor.number());
}

inline constexpr ActorId TaskActor(int n) { return {ActorId::Class::kTask, n}; }
inline constexpr ActorId IdleActor(int n) { return {ActorId::Class::kIdle, n}; }
inline constexpr ActorId CpuActor(int n) { return {ActorId::Class::kCpu, n}; }
inline constexpr ActorId BufferActor(int n) { return {ActorId::Class::kBuffer, n}; }

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SIM_IDS_H_
