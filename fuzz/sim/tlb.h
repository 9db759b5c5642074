// A translation cache: pairs (context number, virtual page) -> page table entry, filled by software.
//
// Invariant: no two entries share (ctx, virt). Insert replaces an entry with the same pair.
// Replacement is first in, first out; an EVICT decision drops any entry, so a schedule can make any
// other policy happen. Strands that share a TLB share it without a strand tag.
//
// Entries carry ghost state: facts for the judges which no hardware has, and which the machine
// itself never looks at.
//
// Source: UltraSPARC User's Manual (802-7220), chapter 15 (D-MMU, TTE, demap); UltraSPARC
// Architecture 2007, chapter 14. Left out: page sizes other than one, the I-TLB, locked entries.
#ifndef SHOOTDOWN_FUZZ_SIM_TLB_H_
#define SHOOTDOWN_FUZZ_SIM_TLB_H_

#include <cstdint>

#include "fuzz/sim/ids.h"

namespace shootdown::sim {

struct TlbGhost {
  std::uint32_t owner = 0;        // id of the address space whose table was read
  std::uint32_t incarnation = 0;  // of the page when the entry was made
  std::uint64_t pte_change = 0;   // number of the table entry's last change before it was read
  friend bool operator==(const TlbGhost&, const TlbGhost&) = default;
};

struct TlbEntry {
  std::uint64_t pte = 0;
  TlbGhost ghost;
  Ctx ctx;
  VirtPage virt;
  bool valid = false;
  std::uint8_t pad[4] = {};
};
static_assert(sizeof(TlbEntry) % 8 == 0);

// A view of one TLB's entries, which live in the arena.
class Tlb {
 public:
  struct State {
    std::uint64_t next = 0;  // the oldest entry, replaced next
  };
  Tlb(State* state, TlbEntry* entries, int entry_count)
      : state_(state), entries_(entries), entry_count_(entry_count) {}

  // The entry for (ctx, virt), or null on a miss.
  [[nodiscard]] TlbEntry* Lookup(Ctx ctx, VirtPage virt) const;
  // Adds an entry; replaces the one with the same pair, else an invalid one, else the oldest.
  void Insert(Ctx ctx, VirtPage virt, std::uint64_t pte, const TlbGhost& ghost);
  // Each returns how many entries were dropped.
  int DemapPage(Ctx ctx, VirtPage virt);
  int DemapContext(Ctx ctx);
  int DemapAll();
  // Drops entry number `i` modulo the size; false if it was not valid.
  bool Evict(int i);

  [[nodiscard]] int entry_count() const { return entry_count_; }
  [[nodiscard]] const TlbEntry& entry(int i) const { return entries_[i]; }

 private:
  State* state_;
  TlbEntry* entries_;
  int entry_count_;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_TLB_H_
