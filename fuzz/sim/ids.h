// Names of the machine's parts.
#ifndef SHOOTDOWN_FUZZ_SIM_IDS_H_
#define SHOOTDOWN_FUZZ_SIM_IDS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/base/strong_int.h"

namespace shootdown {

inline constexpr int kCpuCountMax = 128;

using CpuId = StrongInt<struct CpuIdTag, std::uint8_t>;
using Ctx = StrongInt<struct CtxTag, std::uint16_t>;        // MMU context number, 13 bits used
using VirtPage = StrongInt<struct VirtPageTag, std::uint8_t>;  // 0 is page A, 1 is page B, ...

// What can take a step. Its code has two bits of class and seven of number: those of the class and the lower
// six of the number make a byte, by which all actors of small machines go in hashes and stored forms; the
// seventh stands above it.
class ActorId {
 public:
  enum class Class : std::uint8_t {
    kTask = 0,    // T<n>: a user or kernel thread of the simulated kernel
    kIdle = 1,    // I<n>: the idle task of CPU n
    kCpu = 2,     // C<n>: the interrupt handlers of CPU n
    kBuffer = 3,  // B<n>: the store buffer of CPU n
  };
  static constexpr int kNumberCount = 128;
  static constexpr std::size_t kCodeCount = 512;  // codes are below, and each names an actor

  constexpr ActorId() = default;
  // REQUIRES: code < kCodeCount.
  constexpr explicit ActorId(std::uint16_t code) : code_(code) {}
  constexpr ActorId(Class c, int number)
      : code_(static_cast<std::uint16_t>((number & 64) << 2 | static_cast<int>(c) << 6 |
                                         (number & 63))) {}
  [[nodiscard]] constexpr Class actor_class() const { return static_cast<Class>(code_ >> 6 & 3); }
  [[nodiscard]] constexpr int number() const { return (code_ >> 2 & 64) | (code_ & 63); }
  [[nodiscard]] constexpr std::uint16_t code() const { return code_; }
  // The letter of the text form: T, I, C or B.
  [[nodiscard]] constexpr char letter() const { return "TICB"[code_ >> 6 & 3]; }
  friend constexpr auto operator<=>(ActorId, ActorId) = default;

 private:
  std::uint16_t code_ = 0;
};
static_assert(kCpuCountMax <= ActorId::kNumberCount);

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
