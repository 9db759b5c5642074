#include "fuzz/strategy/unseen_interrupts.h"

#include <algorithm>
#include <vector>

#include "fuzz/strategy/components.h"

namespace shootdown {
namespace {

struct Use {
  CpuSet cpus = kNoCpus;
  std::uint8_t actor = 0;  // the first one
  bool many_actors = false;
  bool written = false;
};

}  // namespace

bool UnseenInterrupts(const sim::Machine& machine) {
  CpuSet interrupted = kNoCpus;
  std::vector<Use> uses;  // by word
  for (const sim::LogEntry& entry : machine.log()) {
    const CpuSet cpu = CpuSet{1} << entry.cpu;
    if (entry.kind == sim::StepKind::kMondoTaken || entry.kind == sim::StepKind::kSoftintTaken) {
      interrupted |= cpu;
    }
    if (!CanAnchor(entry.kind) || entry.word == sim::kNoWord) continue;
    if (entry.word >= uses.size()) uses.resize(std::size_t{entry.word} + 1);
    Use& use = uses[entry.word];
    if (use.cpus == kNoCpus) use.actor = entry.actor;
    use.cpus |= cpu;
    use.many_actors = use.many_actors || use.actor != entry.actor;
    use.written = use.written || IsWrite(entry.kind);
  }
  return std::ranges::any_of(uses, [&](const Use& use) {
    const bool one_cpu = (use.cpus & (use.cpus - 1)) == 0;
    return one_cpu && (use.cpus & interrupted) != 0 && use.many_actors && use.written;
  });
}

}  // namespace shootdown
