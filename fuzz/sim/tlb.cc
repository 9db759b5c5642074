#include "fuzz/sim/tlb.h"

namespace shootdown::sim {

TlbEntry* Tlb::Lookup(Ctx ctx, VirtPage virt) const {
  for (int i = 0; i < entry_count_; ++i) {
    TlbEntry& e = entries_[i];
    if (e.valid && e.ctx == ctx && e.virt == virt) return &e;
  }
  return nullptr;
}

void Tlb::Insert(Ctx ctx, VirtPage virt, std::uint64_t pte, const TlbGhost& ghost) {
  TlbEntry* place = Lookup(ctx, virt);
  for (int i = 0; place == nullptr && i < entry_count_; ++i) {
    if (!entries_[i].valid) place = &entries_[i];
  }
  if (place == nullptr) {
    place = &entries_[state_->next];
    state_->next = (state_->next + 1) % static_cast<std::uint64_t>(entry_count_);
  }
  *place = {.pte = pte, .ghost = ghost, .ctx = ctx, .virt = virt, .valid = true};
}

int Tlb::DemapPage(Ctx ctx, VirtPage virt) {
  TlbEntry* const e = Lookup(ctx, virt);
  if (e == nullptr) return 0;
  e->valid = false;
  return 1;
}

int Tlb::DemapContext(Ctx ctx) {
  int dropped = 0;
  for (int i = 0; i < entry_count_; ++i) {
    if (entries_[i].valid && entries_[i].ctx == ctx) {
      entries_[i].valid = false;
      ++dropped;
    }
  }
  return dropped;
}

int Tlb::DemapAll() {
  int dropped = 0;
  for (int i = 0; i < entry_count_; ++i) {
    dropped += entries_[i].valid ? 1 : 0;
    entries_[i].valid = false;
  }
  return dropped;
}

bool Tlb::Evict(int i) {
  TlbEntry& e = entries_[i % entry_count_];
  const bool was_valid = e.valid;
  e.valid = false;
  return was_valid;
}

}  // namespace shootdown::sim
