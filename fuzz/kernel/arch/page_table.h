// Page tables of architectures on which a change of an entry is a plain store, and TLBs are told later:
// in tlb_flush() or a flush_tlb_*() function. Arch has these where an architecture says nothing else.
// Source: Linux 6.12 include/linux/pgtable.h (the generic ptep_get_and_clear, set_pte_at).
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_PAGE_TABLE_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_PAGE_TABLE_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {
struct MmuGather;
}
namespace shootdown::kernel::page_table {

void set_pte_at(Mm* mm, VirtPage va, Pte pte);
[[nodiscard]] Pte ptep_get_and_clear(Mm* mm, VirtPage va, bool fullmm);
// The same by an exchange, which no other store comes between (riscv amoswap, ia64 xchg, sparc32 swap).
namespace atomic {
[[nodiscard]] Pte ptep_get_and_clear(Mm* mm, VirtPage va, bool fullmm);
}
// The whole mm, or what has changed, by the architecture's own flush functions. Linux 6.12
// include/asm-generic/tlb.h tlb_flush().
void tlb_flush(MmuGather* tlb);

// Ghost G3, for flush functions: notes which changes there are when the flush begins, and at its end
// that those are gone from all TLBs (T2).
class FlushRecord {
 public:
  explicit FlushRecord(Mm* mm);
  void Done(VirtPage first, int count) const;
  void DoneAll() const { Done(VirtPage(0), kVirtPageCount); }

 private:
  Mm* mm_;
  std::uint64_t change_[kVirtPageCount];
};

}  // namespace shootdown::kernel::page_table

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_PAGE_TABLE_H_
