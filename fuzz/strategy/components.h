// Which CPUs have to do with each other, as far as the runs have shown: those that share a word
// (accessed by both in whatever runs, and written by somebody), of which one sent the other a
// mondo, or of which one waited for something that names no word: that has to do with all who ran
// before. Steps of CPUs that have nothing to do with each other, not even by way of others, may
// come in any order: it makes no difference.
//
// What is seen is never forgotten, so components grow together and never fall apart.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_COMPONENTS_H_
#define SHOOTDOWN_FUZZ_STRATEGY_COMPONENTS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "fuzz/sim/cpu_set.h"
#include "fuzz/sim/machine.h"

namespace shootdown {

inline constexpr CpuSet kNoCpus;
inline constexpr CpuSet kAllCpus = CpuSet::All();

class Components {
 public:
  // From the machine's last run.
  void Learn(const sim::Machine& machine);

  // The component of `cpu`: that CPU alone if it has to do with nobody.
  [[nodiscard]] CpuSet Of(int cpu) const {
    return CpuSet::Of(cpu) | component_[static_cast<std::size_t>(cpu)];
  }
  // The CPUs that have taken steps.
  [[nodiscard]] CpuSet cpus() const { return cpus_; }

 private:
  struct Word {
    CpuSet accessed_by;
    bool written = false;
  };

  void Note(int cpu, sim::WordIndex word, bool writes);
  void Join(const CpuSet& cpus);

  CpuSet cpus_;
  std::array<CpuSet, kCpuCountMax> component_{};  // by CPU; kNoCpus: it was joined with nobody
  std::vector<Word> words_;                       // by WordIndex, as far as any was accessed
  // Within Learn; null between.
  std::array<const sim::Site*, ActorId::kCodeCount> waits_{};  // by actor: where it waits
  std::vector<std::uint16_t> waiters_;                         // who has waited there
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_COMPONENTS_H_
