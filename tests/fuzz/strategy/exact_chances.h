// The chance that a run of a sampler fails, exactly: by going through all that it can choose, for
// programs of two CPUs. What a sampler's rule says of one choice is written down once more here, by
// itself.
#ifndef SHOOTDOWN_TESTS_FUZZ_STRATEGY_EXACT_CHANCES_H_
#define SHOOTDOWN_TESTS_FUZZ_STRATEGY_EXACT_CHANCES_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "fuzz/sim/subject.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown::testing {

// How a sampler draws who goes on where both can. One object is one run: it hears of all that
// happens in it.
class Rule {
 public:
  virtual ~Rule() = default;
  // `step` is taken at once, and nobody else is considered.
  [[nodiscard]] virtual bool Eager(const PendingStep& /*step*/) const { return false; }
  // Something is drawn before who goes on is: that it is 0, and not 1.
  [[nodiscard]] virtual std::optional<double> ChanceOfDraw0() const { return std::nullopt; }
  virtual void Drawn(int /*value*/) {}
  // That CPU 0 goes on.
  [[nodiscard]] virtual double ChanceOfCpu0() const = 0;
  // It fell on `cpu`.
  virtual void Chosen(int /*cpu*/) {}
  // `cpu` takes `step`; `conflict`: with the one that is pending on the other CPU.
  virtual void Taken(int /*cpu*/, const PendingStep& /*step*/, bool /*conflict*/) {}
  // `cpu` has come to another step, or to a wait.
  virtual void Arrived(int /*cpu*/, const PendingStep& /*step*/) {}
  // All that this run's next chances depend on, but for what the CPUs have done.
  [[nodiscard]] virtual std::uint64_t State() const { return 0; }
};

using NewRule = std::function<std::unique_ptr<Rule>()>;

// The sum of the chances of all orders in which the subject fails. REQUIRES: two CPUs, and Rule
// says all that the chances depend on. Each CPU goes on to its first step before any takes one, so
// that a rule hears where it stands.
[[nodiscard]] double ChanceOfFailure(sim::Subject& subject, const NewRule& new_rule);

// A run in which choice number n (from 0) falls on the CPU that `choose(n)` says.
class Directed : public StepChooser {
 public:
  using Choice = std::function<int(std::uint32_t number)>;
  explicit Directed(Choice choose) : StepChooser(LookAhead::kNo), choose_(std::move(choose)) {}

 protected:
  void NewRun(const sim::Machine& /*machine*/) override { choice_count_ = 0; }
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int /*current*/) override {
    return enabled.size() == 1 ? enabled.front() : choose_(choice_count_++);
  }

 private:
  Choice choose_;
  std::uint32_t choice_count_ = 0;
};

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_STRATEGY_EXACT_CHANCES_H_
