// Litmus tests with membars of every mask at every place: over all schedules the machine shows
// exactly what the axioms of the memory model allow (memory_order.h), and no random walk shows more.
//
// Names and programs: Alglave, Maranget, Tautschnig, "Herding Cats", ACM TOPLAS 36(2), 2014.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/explore/state_search.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/fuzz/sim/memory_order.h"
#include "tests/support/guest_program.h"

namespace shootdown::testing {
namespace {

using sim::MemoryModel;
using Kind = LitmusOp::Kind;

LitmusOp W(char word, std::uint64_t value = 1) {
  return {.kind = Kind::kStore, .word = word, .value = value};
}
LitmusOp R(char word) { return {.kind = Kind::kLoad, .word = word}; }
LitmusOp Swap(char word, std::uint64_t value = 1) {
  return {.kind = Kind::kSwap, .word = word, .value = value};
}
// A membar whose mask is varied.
LitmusOp M() { return {.kind = Kind::kMembar}; }

// A machine which runs one litmus test after the other.
class LitmusMachine {
 public:
  LitmusMachine(std::size_t threads, MemoryModel model) {
    GuestProgram::Parts parts;
    for (std::size_t t = 0; t < threads; ++t) {
      parts.threads.emplace_back([this, t](GuestProgram& g) { RunThread(g, t); });
    }
    guest_ = std::make_unique<GuestProgram>(
        std::move(parts), sim::MachineConfig{.memory_model = model, .store_buffer_entries = 4});
  }

  [[nodiscard]] Outcomes Seen(const LitmusProgram& program) {
    program_ = &program;
    Outcomes outcomes;
    explore::StateOptions options;
    options.go_on = true;
    options.on_run = [&](const sim::Violation* violation) {
      EXPECT_EQ(violation, nullptr);
      outcomes.insert(Outcome());
    };
    const explore::Report report = explore::StateSearch(*guest_, options).Explore();
    EXPECT_TRUE(report.complete);
    return outcomes;
  }

  // By a scheduler that makes decisions as they come, and does not ask whether a step has to wait for others.
  [[nodiscard]] Outcomes SeenAtRandom(const LitmusProgram& program, int run_count) {
    program_ = &program;
    Outcomes outcomes;
    for (int run = 0; run < run_count; ++run) {
      EXPECT_EQ(guest_->RunOnce(walk_), nullptr);
      outcomes.insert(Outcome());
    }
    return outcomes;
  }

 private:
  // Of the last run: what each load gave, and what is in memory.
  [[nodiscard]] std::string Outcome() const {
    std::string outcome;
    std::size_t reg = 0;
    for (const LitmusThread& thread : program_->threads) {
      for (const LitmusOp& op : thread) {
        if (op.kind == Kind::kLoad || op.kind == Kind::kSwap) outcome += std::to_string(guest_->reg[reg]);
        ++reg;
      }
    }
    for (const char word : WordsOf(*program_)) {
      outcome += std::string(" ") + word + std::to_string(guest_->Peek(word));
    }
    return outcome;
  }

  // No load's value is needed before the end, unless something depends on it.
  void RunThread(GuestProgram& g, std::size_t t) {
    sim::Machine& m = g.machine();
    const LitmusThread& thread = program_->threads[t];
    std::size_t reg = 0;
    for (std::size_t k = 0; k < t; ++k) reg += program_->threads[k].size();
    std::array<sim::Machine::LateLoad, 8> late{};
    for (std::size_t i = 0; i < thread.size(); ++i) {
      const LitmusOp& op = thread[i];
      if (op.depends_on >= 0) (void)m.ValueOf(late[static_cast<std::size_t>(op.depends_on)]);
      switch (op.kind) {
        case Kind::kLoad:
          late[i] = m.LoadLater(SHOOTDOWN_SITE("load"), g.cell(op.word).word());
          break;
        case Kind::kStore:
          g.Store(op.word, op.value);
          break;
        case Kind::kSwap:
          g.reg[reg + i] = g.cell(op.word).RmwUnordered(SHOOTDOWN_SITE("swap"),
                                                        [&op](std::uint64_t) { return op.value; });
          break;
        case Kind::kMembar:
          m.Membar(SHOOTDOWN_SITE("membar"), op.mask);
          break;
      }
    }
    for (std::size_t i = 0; i < thread.size(); ++i) {
      if (thread[i].kind == Kind::kLoad) g.reg[reg + i] = m.ValueOf(late[i]);
    }
  }

  std::unique_ptr<GuestProgram> guest_;
  RandomWalk walk_{/*seed=*/1, /*hold_one_in=*/2};
  const LitmusProgram* program_ = nullptr;
};

std::string Text(const LitmusProgram& program) {
  std::string text = program.name;
  for (const LitmusThread& thread : program.threads) {
    text += " ||";
    for (const LitmusOp& op : thread) {
      text += std::string(" ") + "RWSm"[static_cast<int>(op.kind)];
      if (op.kind == Kind::kMembar) {
        text += std::to_string(op.mask);
      } else {
        text += op.word;
      }
    }
  }
  return text;
}

struct MasksCase {
  const char* name;
  std::vector<LitmusThread> threads;
};

void PrintTo(const MasksCase& c, std::ostream* out) { *out << c.name; }

// The masks of a membar between an access of the one kind and one of the other which differ in
// their effect, and one with all the bits that have none.
const std::vector<MasksCase>& EveryMask() {
  static const std::vector<MasksCase> kCases = {
      {"SB", {{W('x'), M(), R('y')}, {W('y'), M(), R('x')}}},
      {"MP", {{W('x'), M(), W('y')}, {R('y'), M(), R('x')}}},
      {"LB", {{R('x'), M(), W('y')}, {R('y'), M(), W('x')}}},
      {"S", {{W('x', 2), M(), W('y')}, {R('y'), M(), W('x')}}},
      {"R", {{W('x'), M(), W('y')}, {W('y', 2), M(), R('x')}}},
      {"TwoPlusTwoW", {{W('x'), M(), W('y', 2)}, {W('y'), M(), W('x', 2)}}},
      {"CoRR", {{W('x'), M(), W('x', 2)}, {R('x'), M(), R('x')}}},
      {"CoRW", {{R('x'), M(), W('x')}, {W('x', 2)}}},
      {"CoWR", {{W('x'), M(), R('x')}, {W('x', 2)}}},
      {"WRC", {{W('x')}, {R('x'), M(), W('y')}, {R('y'), M(), R('x')}}},
      {"RWC", {{W('x')}, {R('x'), M(), R('y')}, {W('y'), M(), R('x')}}},
      {"IRIW", {{W('x')}, {W('y')}, {R('x'), M(), R('y')}, {R('y'), M(), R('x')}}},
      {"SbOwnReads", {{W('x'), M(), R('x'), M(), R('y')}, {W('y'), R('y'), R('x')}}},
      {"SbSwaps", {{Swap('x'), M(), R('y')}, {Swap('y'), M(), R('x')}}},
      {"MpSwap", {{W('x'), M(), Swap('y')}, {R('y'), M(), R('x')}}},
      {"MpLastRead", {{W('x'), M(), W('y'), W('z')}, {R('z'), M(), R('x')}}},
  };
  return kCases;
}

std::vector<LitmusOp*> VariedMembars(LitmusProgram& program) {
  std::vector<LitmusOp*> places;
  for (LitmusThread& thread : program.threads) {
    for (LitmusOp& op : thread) {
      if (op.kind == Kind::kMembar) places.push_back(&op);
    }
  }
  return places;
}

class EveryMaskTest : public ::testing::TestWithParam<MasksCase> {};

void CompareAll(const MasksCase& c, MemoryModel model) {
  LitmusMachine machine(c.threads.size(), model);
  LitmusProgram program{.name = c.name, .threads = c.threads};
  const std::vector<LitmusOp*> places = VariedMembars(program);
  const std::uint32_t combinations = 1u << (4 * places.size());
  for (std::uint32_t n = 0; n < combinations; ++n) {
    for (std::size_t p = 0; p < places.size(); ++p) {
      places[p]->mask = static_cast<std::uint8_t>(n >> (4 * p) & 15);
    }
    const Outcomes allowed = AllowedOutcomes(program, model);
    ASSERT_EQ(machine.Seen(program), allowed) << Text(program) << " under " << sim::NameOf(model);
    if (model != MemoryModel::kRmo) continue;  // it has all decisions about memory that there are
    for (const std::string& outcome : machine.SeenAtRandom(program, /*run_count=*/100)) {
      ASSERT_TRUE(allowed.contains(outcome))
          << outcome << " of " << Text(program) << " under " << sim::NameOf(model);
    }
  }
}

TEST_P(EveryMaskTest, TheMachineShowsWhatTheAxiomsAllow) {
  for (const MemoryModel model :
       {MemoryModel::kSc, MemoryModel::kTso, MemoryModel::kPso, MemoryModel::kRmo}) {
    CompareAll(GetParam(), model);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, EveryMaskTest, ::testing::ValuesIn(EveryMask()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace shootdown::testing
