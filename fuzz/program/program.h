// A small concurrent program on the machine: threads, shared cells, locks, condition waits, assertions.
// It runs under any scheduler, so all that searches or proves scenarios does the same for programs.
// README.md shows one as a whole.
//
// Always holds:
//   P1  Threads share nothing but the program's State, which every run finds as the constructor left it.
//   P2  What another thread could see is a Cell, and each access to it one step (fuzz/program/access.h).
//   P3  A wait takes no step until what it waits for is true: there is no spinning, so a deadlock is
//       seen when it exists.
#ifndef SHOOTDOWN_FUZZ_PROGRAM_PROGRAM_H_
#define SHOOTDOWN_FUZZ_PROGRAM_PROGRAM_H_

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "fuzz/program/access.h"
#include "fuzz/sim/cell.h"
#include "fuzz/sim/subject.h"

namespace shootdown::program {

using Word = sim::Cell<std::uint64_t>;
using sim::MemoryModel;

// Any program, whatever its state is: what runs it needs to know. Users write a ProgramOf<State>.
// One program lives at a time in a process.
class Program : public sim::Subject {
 public:
  // What a thread can be interrupted by, and a walker of its CPU's that fetches the translation of page 0 of its
  // own accord (sim::Guest); left out, it does not exist for the machine either.
  struct Handlers {
    std::vector<std::function<void()>> mondos = {};  // what SendMondo can make its target run
    std::function<void(int level)> softint = nullptr;
    std::function<void()> nmi = nullptr;
    std::function<void()> interrupt_return = nullptr;
    std::function<bool()> can_walk = nullptr;
    std::function<void()> walk = nullptr;
  };

  ~Program() override;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  [[nodiscard]] static Program& Live();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] sim::Machine& machine() override { return machine_; }
  const sim::Violation* RunOnce(sim::Scheduler& scheduler) override;
  // Of the last run.
  [[nodiscard]] sim::RunEnd end() const { return end_; }

  // For guest code. The run is over, with a violation `assertion`. Only the first of a run counts.
  [[noreturn]] void Fail(const char* message);
  // As Fail, for the check at the end of a run: it comes back.
  void RejectAtEnd(std::string message);
  // A cross call to `target`, whose handler is `mondos[number]`; one step. False if it was refused.
  [[nodiscard]] bool SendMondo(const sim::Site& site, int target, std::uint64_t number);

 protected:
  // `config` with `cpu_count` CPUs.
  Program(std::string name, sim::MachineConfig config, std::size_t cpu_count);
  // The machine's memory, which has room for so many bytes more.
  [[nodiscard]] sim::Arena& RoomFor(std::size_t bytes);
  // Thread n is T<n> and starts on CPU n; those without a CPU wait for SwitchThread. `at_end` is
  // called when nothing is left to do, and no thread waits. From now on each run starts from the
  // state as it is.
  void Start(std::vector<std::function<void()>> threads, std::function<void()> at_end,
             Handlers handlers);

 private:
  static void ThreadMain(ActorId thread, bool switched_in);
  static void RunMondo(std::uint64_t number, std::uint64_t a1, std::uint64_t a2);
  static void Quiet();
  void Reject(std::string message);

  std::string name_;
  sim::Machine machine_;
  std::vector<std::function<void()>> threads_;
  std::function<void()> at_end_;
  Handlers handlers_;
  sim::RunEnd end_ = sim::RunEnd::kQuiet;
  std::optional<sim::Violation> violation_;
};

// A program whose threads share a State: a struct of Cells (which threads share) and of plain 64-bit
// words (each for one thread alone, or for the check at the end). It owns nothing.
template <class State>
class ProgramOf : public Program {
  static_assert(std::is_trivially_destructible_v<State> && std::is_copy_assignable_v<State>,
                "a State owns nothing: no string, no vector, no std::mutex (fuzz/program/README.md)");

 public:
  struct Parts {
    std::string name;                                // for people; of cells too, in traces
    std::vector<std::function<void(State&)>> threads;  // 1 .. 128, one CPU each
    // After a run in which nobody waits for ever: looks at the state with Peek, and rejects it with
    // REQUIRE_AT_END. May be left out.
    std::function<void(State&)> at_end = nullptr;
    sim::MachineConfig machine = {};                 // its cpu_count does not matter
    State start = {};                                // as each run finds it
  };

  explicit ProgramOf(Parts parts)
      : Program(parts.name, parts.machine, parts.threads.size()),
        state_(*RoomFor(sizeof(State)).template Alloc<State>(parts.name)) {
    state_ = parts.start;
    std::vector<std::function<void()>> threads;
    threads.reserve(parts.threads.size());
    for (auto& body : parts.threads) {
      threads.push_back([this, body = std::move(body)] { body(state_); });
    }
    std::function<void()> at_end;
    if (parts.at_end) at_end = [this, check = std::move(parts.at_end)] { check(state_); };
    Start(std::move(threads), std::move(at_end), {});
  }

  // As the last run left it.
  [[nodiscard]] State& state() { return state_; }

 private:
  State& state_;  // in the arena
};

}  // namespace shootdown::program

#endif  // SHOOTDOWN_FUZZ_PROGRAM_PROGRAM_H_
