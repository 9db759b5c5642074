#include "fuzz/strategy/components.h"

namespace shootdown {

void Components::Learn(const sim::Machine& machine) {
  const auto log = machine.log();
  CpuSet so_far;  // CPUs that have taken steps
  for (const sim::LogEntry& entry : log) {
    if (entry.kind == sim::StepKind::kWait) {
      waits_[entry.actor] = entry.site;
      waiters_.push_back(entry.actor);
      continue;
    }
    if (!sim::IsStep(entry.kind)) continue;
    so_far.Add(entry.cpu);
    if (entry.word != sim::kNoWord) Note(entry.cpu, entry.word, IsWrite(entry.kind));
    // A step that had to wait stands where it waited, and names what it waited for.
    const sim::Site*& waited = waits_[entry.actor];
    if (waited != nullptr && waited != entry.site) Join(so_far);
    waited = nullptr;
  }
  for (const std::uint16_t actor : waiters_) waits_[actor] = nullptr;
  waiters_.clear();
  cpus_ |= so_far;
  for (const sim::Conflict& c : machine.conflicts()) {
    Join(CpuSet::Of(log[c.first].cpu) | CpuSet::Of(log[c.second].cpu));
  }
}

void Components::Note(int cpu, sim::WordIndex word, bool writes) {
  if (word >= words_.size()) words_.resize(std::size_t{word} + 1);
  Word& w = words_[word];
  w.accessed_by.Add(cpu);
  w.written = w.written || writes;
  if (w.written) Join(w.accessed_by);
}

// REQUIRES: `cpus` is not empty.
void Components::Join(const CpuSet& cpus) {
  if (cpus.Without(Of(cpus.first())).empty()) return;
  CpuSet all;
  cpus.ForEach([&](int cpu) { all |= Of(cpu); });
  all.ForEach([&](int cpu) { component_[static_cast<std::size_t>(cpu)] = all; });
}

}  // namespace shootdown
