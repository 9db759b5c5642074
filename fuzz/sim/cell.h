// Typed words of guest memory. A field that another CPU can see is a Cell, so no access can forget
// to be a step; a field that is not a Cell is private to one CPU, or a fact for judges.
//
// Guest code uses the macros of fuzz/kernel/access.h, or the members here with a site of its own.
#ifndef SHOOTDOWN_FUZZ_SIM_CELL_H_
#define SHOOTDOWN_FUZZ_SIM_CELL_H_

#include <bit>
#include <cstdint>
#include <type_traits>

#include "fuzz/sim/arena.h"
#include "fuzz/sim/machine.h"
#include "fuzz/sim/site.h"

namespace shootdown::sim {

// Values as words. Pointers into the arena become word indexes, so that no address ever shows.
template <class T>
constexpr std::uint64_t ToWord(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return value == nullptr ? 0 : Arena::IndexOf(value);
  } else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    return static_cast<std::uint64_t>(value);
  } else {
    return std::bit_cast<std::uint64_t>(value);
  }
}
template <class T>
T FromWord(std::uint64_t word) {
  if constexpr (std::is_pointer_v<T>) {
    return word == 0 ? nullptr : reinterpret_cast<T>(kArenaBase + word * 8);
  } else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    return static_cast<T>(word);
  } else {
    return std::bit_cast<T>(word);
  }
}

template <class T>
class Cell {
 public:
  using Value = T;

  Cell() = default;
  explicit Cell(T value) : word_(ToWord(value)) {}

  // One step each.
  [[nodiscard]] T Load(const Site& site) const {
    return FromWord<T>(Machine::Get().Load(site, &word_));
  }
  void Store(const Site& site, T value) { Machine::Get().Store(site, &word_, ToWord(value)); }
  // Atomically f(old); returns the old value.
  template <class F>
  T Rmw(const Site& site, F f) {
    return FromWord<T>(Machine::Get().Rmw(
        site, &word_, [&](std::uint64_t old) { return ToWord(static_cast<T>(f(FromWord<T>(old)))); }));
  }

  // As Rmw, but no fence: the bare instruction.
  template <class F>
  T RmwUnordered(const Site& site, F f) {
    return FromWord<T>(Machine::Get().RmwUnordered(
        site, &word_, [&](std::uint64_t old) { return ToWord(static_cast<T>(f(FromWord<T>(old)))); }));
  }

  // As Load and Rmw, once ready(value) is true: the CPU waits before.
  template <class Ready>
  T LoadWhen(const Site& site, Ready ready) {
    return FromWord<T>(Machine::Get().LoadWhen(
        site, &word_, [&](std::uint64_t now) { return ready(FromWord<T>(now)); }));
  }
  template <class Ready, class F>
  T RmwWhen(const Site& site, Ready ready, F f) {
    return FromWord<T>(Machine::Get().RmwWhen(
        site, &word_, [&](std::uint64_t now) { return ready(FromWord<T>(now)); },
        [&](std::uint64_t old) { return ToWord(static_cast<T>(f(FromWord<T>(old)))); }));
  }

  // No step: the rest of an access that is wider than a word.
  [[nodiscard]] T PeekOwn() const { return FromWord<T>(Machine::Get().PeekOwn(&word_)); }
  // No steps: for judges, for wait conditions, and before a run.
  [[nodiscard]] T Peek() const {
    Machine::NoteLookOfEverybody(&word_);
    return FromWord<T>(word_);
  }
  void Init(T value) { word_ = ToWord(value); }

  [[nodiscard]] const std::uint64_t* word() const { return &word_; }

 private:
  std::uint64_t word_ = 0;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_CELL_H_
