#include "tests/fuzz/strategy/exact_chances.h"

#include "fuzz/base/check.h"
#include "fuzz/base/hash.h"

namespace shootdown::testing {
namespace {

// Follows a list of choices, and looks where it stands when there is none any more.
class Follower : public StepChooser {
 public:
  explicit Follower(const NewRule& new_rule) : StepChooser(LookAhead::kYes), new_rule_(new_rule) {}

  void Append(int choice) { choices_.push_back(static_cast<std::uint8_t>(choice)); }
  void DropLast() { choices_.pop_back(); }

  // Of the last run: it came to a choice that the list does not make, and stood there.
  [[nodiscard]] bool open() const { return open_; }
  // That it falls on 0: on CPU 0, or on what else the rule draws.
  [[nodiscard]] double chance_of_0() const { return chance_; }
  [[nodiscard]] std::uint64_t state() const { return state_; }

 protected:
  void NewRun(const sim::Machine& machine) override {
    machine_ = &machine;
    rule_ = new_rule_();
    choice_count_ = 0;
    open_ = false;
  }
  void Arrived(int cpu) override { rule_->Arrived(cpu, pending(cpu)); }
  [[nodiscard]] bool Eager(int cpu) override { return rule_->Eager(pending(cpu)); }
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int /*current*/) override {
    if (enabled.size() == 1 || open_) return enabled.front();
    for (const std::uint8_t c : enabled) {
      if (pending(c).known && Eager(c)) return c;
    }
    if (const std::optional<double> of_0 = rule_->ChanceOfDraw0(); of_0.has_value()) {
      const std::optional<int> drawn = Next(*of_0);
      if (!drawn.has_value()) return enabled.front();
      rule_->Drawn(*drawn);
    }
    const std::optional<int> cpu = Next(rule_->ChanceOfCpu0());
    if (!cpu.has_value()) return enabled.front();
    rule_->Chosen(*cpu);
    return *cpu;
  }
  void Taken(int cpu) override {
    rule_->Taken(cpu, pending(cpu),
                 pending(1 - cpu).known && Conflict(pending(cpu), pending(1 - cpu)));
  }

 private:
  // The next choice on the list. There is none: the run stands open here.
  [[nodiscard]] std::optional<int> Next(double chance_of_0) {
    if (choice_count_ < choices_.size()) return choices_[choice_count_++];
    open_ = true;
    chance_ = chance_of_0;
    state_ = Combine(StateOfProgram(), rule_->State());
    return std::nullopt;
  }

  // What each CPU has done and seen says where it stands and what it knows; the rest is memory.
  [[nodiscard]] std::uint64_t StateOfProgram() const {
    std::array<std::uint64_t, 2> done{};
    std::map<sim::WordIndex, std::uint64_t> memory;
    for (const sim::LogEntry& entry : machine_->log()) {
      std::uint64_t& mine = done[entry.cpu];
      mine = Combine(Combine(mine, entry.site->hash), entry.value);
      if (entry.word == sim::kNoWord) continue;
      mine = Combine(mine, memory[entry.word]);
      if (IsWrite(entry.kind)) memory[entry.word] = entry.value;
    }
    std::uint64_t state = Combine(done[0], done[1]);
    for (const auto& [word, value] : memory) state = Combine(state, Combine(word, value));
    return state;
  }

  const NewRule& new_rule_;
  std::vector<std::uint8_t> choices_;
  const sim::Machine* machine_ = nullptr;
  std::unique_ptr<Rule> rule_;
  std::size_t choice_count_ = 0;
  bool open_ = false;
  double chance_ = 0;
  std::uint64_t state_ = 0;
};

class Tree {
 public:
  Tree(sim::Subject& subject, const NewRule& new_rule) : subject_(subject), follower_(new_rule) {}

  // Of the runs that begin with the follower's choices.
  double Chance() {
    const bool failed = subject_.RunOnce(follower_) != nullptr;
    if (!follower_.open()) return failed ? 1 : 0;
    const std::uint64_t state = follower_.state();
    if (const auto known = chances_.find(state); known != chances_.end()) return known->second;
    const double of_0 = follower_.chance_of_0();
    double chance = 0;
    for (const int choice : {0, 1}) {
      const double of_choice = choice == 0 ? of_0 : 1 - of_0;
      if (of_choice == 0) continue;
      follower_.Append(choice);
      chance += of_choice * Chance();
      follower_.DropLast();
    }
    chances_[state] = chance;
    return chance;
  }

 private:
  sim::Subject& subject_;
  Follower follower_;
  std::map<std::uint64_t, double> chances_;
};

}  // namespace

double ChanceOfFailure(sim::Subject& subject, const NewRule& new_rule) {
  SHOOTDOWN_CHECK(subject.machine().cpu_count() == 2);
  return Tree(subject, new_rule).Chance();
}

}  // namespace shootdown::testing
