#include "fuzz/strategy/components.h"

#include <bit>

namespace shootdown {
namespace {

constexpr CpuSet Bit(int cpu) { return CpuSet{1} << cpu; }

}  // namespace

void Components::Learn(const sim::Machine& machine) {
  const auto log = machine.log();
  std::array<const sim::Site*, 256> waits{};  // by actor: where it waits
  CpuSet so_far = 0;                          // CPUs that have taken steps
  for (const sim::LogEntry& entry : log) {
    if (entry.kind == sim::StepKind::kWait) {
      waits[entry.actor] = entry.site;
      continue;
    }
    if (!sim::IsStep(entry.kind)) continue;
    so_far |= Bit(entry.cpu);
    if (entry.word != sim::kNoWord) Note(entry.cpu, entry.word, IsWrite(entry.kind));
    // A step that had to wait stands where it waited, and names what it waited for.
    const sim::Site*& waited = waits[entry.actor];
    if (waited != nullptr && waited != entry.site) Join(so_far);
    waited = nullptr;
  }
  cpus_ |= so_far;
  for (const sim::Conflict& c : machine.conflicts()) {
    Join(Bit(log[c.first].cpu) | Bit(log[c.second].cpu));
  }
}

void Components::Note(int cpu, sim::WordIndex word, bool writes) {
  if (word >= words_.size()) words_.resize(std::size_t{word} + 1);
  Word& w = words_[word];
  w.accessed_by |= Bit(cpu);
  w.written = w.written || writes;
  if (w.written) Join(w.accessed_by);
}

// REQUIRES: `cpus` is not empty.
void Components::Join(CpuSet cpus) {
  if ((cpus & ~Of(std::countr_zero(cpus))) == 0) return;
  CpuSet all = 0;
  for (CpuSet left = cpus; left != 0; left &= left - 1) all |= Of(std::countr_zero(left));
  for (CpuSet left = all; left != 0; left &= left - 1) {
    component_[static_cast<std::size_t>(std::countr_zero(left))] = all;
  }
}

}  // namespace shootdown
