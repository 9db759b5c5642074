// Two readers wait for letters. One that was woken and does not look again takes a letter that the
// other has taken already: searched for, shrunk to the decisions that it needs, and proved away.
// Exit status 0: found in the one, nothing in the other.
#include <cstdio>
#include <optional>

#include "fuzz/engine/last_chance.h"
#include "fuzz/engine/minimizer.h"
#include "fuzz/engine/mutator.h"
#include "fuzz/engine/target.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/program/program.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"

using namespace shootdown;
using namespace shootdown::program;

struct Mailbox {
  Mutex mutex;
  Condition full;
  Word letters;
};

void Send(Mailbox& m) {
  LOCK(m.mutex);
  STORE(m.letters, LOAD(m.letters) + 1);
  SIGNAL(m.full);
  UNLOCK(m.mutex);
}

template <bool kLooksAgain>
void Take(Mailbox& m) {
  LOCK(m.mutex);
  while (LOAD(m.letters) == 0) {
    WAIT(m.full, m.mutex);
    if (!kLooksAgain) break;
  }
  const std::uint64_t letters = LOAD(m.letters);
  REQUIRE(letters != 0, "there is no letter left");
  STORE(m.letters, letters - 1);
  UNLOCK(m.mutex);
}

template <bool kLooksAgain>
ProgramOf<Mailbox>::Parts Parts() {
  return {.name = "mailbox",
          .threads = {&Take<kLooksAgain>, &Take<kLooksAgain>, &Send, &Send},
          .machine = {.memory_model = MemoryModel::kTso}};
}

// Mutations of the last run, until one breaks a rule: the schedule that does, without what it does
// not need.
std::optional<Schedule> Search(sim::Subject& subject) {
  std::optional<Target::Found> found;
  Target target(subject);
  target.OnFound([&](const Target::Found& f) { found = f; });
  Prng prng(1);
  (void)target.Run(Schedule());
  while (!found && target.run_count() < 100'000) (void)target.Run(Mutate(target.machine(), prng));
  if (!found) return std::nullopt;
  return MinimizeSchedule(subject, found->exact, found->kind_key).schedule;
}

// Runs `schedule` again, and shows each step of it, and from which one on nothing helps any more.
void Show(sim::Subject& subject, const Schedule& schedule) {
  ScheduleScheduler scheduler(schedule);
  const sim::Violation* const violation = subject.RunOnce(scheduler);
  std::printf("%s fails: %s\n", schedule.ToText().c_str(), violation->message.c_str());
  int row = 0;
  for (const sim::LogEntry& step : subject.machine().log())
    std::printf("  %2d %s\n", row++, sim::RowText(step).c_str());
  const LastChance chance = FindLastChance(subject, schedule, /*run_count_max=*/10'000);
  if (chance.row)
    std::printf("could still be avoided before step %d\n", static_cast<int>(*chance.row));
}

// All schedules, and every moment at which a store may reach memory.
bool Prove(sim::Subject& subject) {
  const explore::Report report = explore::StateSearch(subject, {}).Explore();
  std::printf("%s: %llu states\n", report.complete ? "proved" : "not proved",
              static_cast<unsigned long long>(report.states));
  return report.complete;
}

int main() {
  {
    ProgramOf<Mailbox> once(Parts<false>());
    const std::optional<Schedule> found = Search(once);
    if (!found || Prove(once)) return 1;
    Show(once, *found);
  }
  ProgramOf<Mailbox> again(Parts<true>());  // one program lives at a time
  return Prove(again) ? 0 : 1;
}
