#include "fuzz/cli/step_words.h"

#include "fuzz/cli/counted.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {

using sim::LogEntry;
using sim::StepKind;

namespace {

// As the kernel calls it, where the arena knows a number only.
std::string KernelName(const std::string& object) {
  constexpr std::string_view kIdleTask = "swapper";
  if (object == "mm0") return "init_mm";
  if (object.starts_with(kIdleTask)) return "swapper/" + object.substr(kIdleTask.size());
  return object;
}

// `mm->mm_users` of mm1: the words of the source, and the object that they meant.
std::string Place(const LogEntry& e) {
  std::string place = e.site->label;
  if (e.word != sim::kNoWord) place += " [" + KernelName(sim::Arena::Live().NameOf(e.word)) + "]";
  return place;
}

// `invalidate page A in every TLB`: the site's sentence, or its label and the value.
std::string Sentence(const sim::Site& site, const std::string& value) {
  if (site.sentence == nullptr) return std::string(site.label) + " " + value;
  std::string sentence = site.sentence;
  if (const std::size_t star = sentence.find('*'); star != std::string::npos) {
    sentence.replace(star, 1, value);
  }
  return sentence;
}

}  // namespace

std::string ActorName(const Simulation& simulation, ActorId actor) {
  const std::string number = std::to_string(actor.number());
  switch (actor.actor_class()) {
    case ActorId::Class::kTask:
      return simulation.scenario().tasks[static_cast<std::size_t>(actor.number())].name;
    case ActorId::Class::kIdle: return "swapper/" + number;
    case ActorId::Class::kCpu: return "CPU " + number + "'s interrupt handler";
    case ActorId::Class::kBuffer: return "CPU " + number + "'s store buffer";
  }
  return "?";
}

std::string FunctionName(const LogEntry& e) {
  const std::string_view name = e.site->function;
  return std::string(name == "operator()" || e.kind == StepKind::kMondoTaken ? "" : name);
}

std::string AfterFunction(const std::string& function, std::string_view between,
                          const std::string& rest) {
  return function.empty() ? rest : function + "()" + std::string(between) + rest;
}

std::string StepText(const LogEntry& e) {
  // A mask is one of CPUs wherever the kernel has one.
  const bool mask = e.site->format == &sim::FormatMask;
  const std::string value = (mask ? "CPUs " : "") + KernelName(e.site->format(e.value));
  switch (e.kind) {
    case StepKind::kLoad:
      return "R  " + Place(e) + " = " + value +
             ((e.flags & LogEntry::kForwarded) != 0 ? "  (from the store buffer)"
              : (e.flags & LogEntry::kOld) != 0     ? "  (early: an older value)"
              : (e.flags & LogEntry::kHeld) != 0    ? "  (put off)"
                                                    : "");
    case StepKind::kStore:
      return "W  " + Place(e) + " := " + value +
             ((e.flags & LogEntry::kHeld) != 0 ? "  (held in the store buffer)" : "");
    case StepKind::kRmw: return "RW " + Place(e) + " := " + value;
    case StepKind::kFence: return "F  " + std::string(e.site->label);
    case StepKind::kUserLoad:
    case StepKind::kUserStore:
      return std::string(e.kind == StepKind::kUserLoad ? "R  " : "W  ") + "user page " + value +
             " -> TLB hit -> " + sim::Arena::Live().NameOf(e.word);
    case StepKind::kTlbMiss: return "   user page " + value + " -> TLB miss";
    case StepKind::kTlbInsert: return "   TLB gets page " + value;
    case StepKind::kDemap: return "   " + Sentence(*e.site, value);
    case StepKind::kContextWrite: return "   " + std::string(e.site->label) + " := " + value;
    case StepKind::kMondoSend:
      return "=> cross call " + std::string(e.site->label) + " to CPU " + std::to_string(e.value);
    case StepKind::kMondoNack: return "=> cross call to CPU " + std::to_string(e.value) + ": NACK";
    case StepKind::kMondoTaken:
      return "<= takes " + std::string(e.site->label) +
             (e.link == sim::kNoRow ? "" : ", sent at #" + std::to_string(e.link));
    case StepKind::kSoftintTaken: return "<= softint, level " + value;
    case StepKind::kNmiTaken: return "<= NMI";
    case StepKind::kDrain:
      return "~  drains: " + Place(e) + " := " + value + ", stored at #" + std::to_string(e.link);
    case StepKind::kLateLoad:
      return "~  loads: " + Place(e) + " = " + value + ", put off at #" + std::to_string(e.link);
    case StepKind::kAction: return "   " + Place(e) + " " + value;
    case StepKind::kWait: return ".. waits: " + std::string(e.site->label);
    case StepKind::kNote: return "   " + std::string(e.site->label);
  }
  return "?";
}

std::string DecisionText(const Simulation& simulation, const sim::MoveMade& made) {
  const Schedule one = ExactSchedule({&made, 1});
  const Decision& d = one.decisions()[0];
  std::string words = ToText(d) + "   before step " + std::to_string(d.index) + " of " +
                      ActorName(simulation, d.actor) + ": ";
  switch (d.kind) {
    case Decision::Kind::kSwitch:
      return words + (d.to.actor_class() == ActorId::Class::kCpu
                          ? "go on with CPU " + std::to_string(d.to.number())
                          : "a store of CPU " + std::to_string(d.to.number()) + " reaches memory");
    case Decision::Kind::kHold:
      return words + "its store stays in the store buffer" +
             (d.arg == 0 ? "" : ", for " + Counted(d.arg, "step") + " more at most");
    case Decision::Kind::kDefer: return words + "pending interrupts wait";
    case Decision::Kind::kResched: return words + "a timer tick asks for another task";
    case Decision::Kind::kEvict: return words + "the TLB drops an entry";
    case Decision::Kind::kNmi: return words + "an NMI arrives";
    case Decision::Kind::kWalk: return words + "the walker fetches a page";
    case Decision::Kind::kOld: return words + "its load comes early, and gives an older value";
  }
  return words;
}

}  // namespace shootdown
