#include "fuzz/strategy/unseen_interrupts.h"

#include <algorithm>
#include <vector>

#include "fuzz/sim/cpu_set.h"

namespace shootdown {
namespace {

struct Use {
  CpuSet cpus;
  std::uint16_t actor = 0;  // the first one
  bool many_actors = false;
  bool written = false;
};

}  // namespace

bool UnseenInterrupts(const sim::Machine& machine) {
  CpuSet interrupted;
  std::vector<Use> uses;  // by word
  for (const sim::LogEntry& entry : machine.log()) {
    if (entry.kind == sim::StepKind::kMondoTaken || entry.kind == sim::StepKind::kSoftintTaken) {
      interrupted.Add(entry.cpu);
    }
    if (!CanAnchor(entry.kind) || entry.word == sim::kNoWord) continue;
    if (entry.word >= uses.size()) uses.resize(std::size_t{entry.word} + 1);
    Use& use = uses[entry.word];
    if (use.cpus.empty()) use.actor = entry.actor;
    use.cpus.Add(entry.cpu);
    use.many_actors = use.many_actors || use.actor != entry.actor;
    use.written = use.written || IsWrite(entry.kind);
  }
  return std::ranges::any_of(uses, [&](const Use& use) {
    return use.cpus.size() == 1 && interrupted.Has(use.cpus.first()) && use.many_actors &&
           use.written;
  });
}

}  // namespace shootdown
