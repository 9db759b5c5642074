// What owners of mapped pages do: map them, take them away, write them out.
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mapped_file.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mmu_gather.h"
#include "fuzz/kernel/ops.h"

namespace shootdown::kernel {
namespace {

// mmap of one page. Nothing happens if something is mapped there already, if the file is full, or if
// it is of another kind.
void map_file(MappedFile* file, MappedFile::Kind kind, VirtPage va) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  const std::uint64_t vma_pages = READ_ONCE(mm->vma_pages);
  const std::uint64_t range = VmaRange(va, 1);
  spin_lock(&file->page_lock);
  const std::uint64_t before = READ_ONCE(file->kind);
  const bool of_kind = before == kind || before == MappedFile::kUnused;
  if (of_kind) WRITE_ONCE(file->kind, kind);
  spin_unlock(&file->page_lock);
  const bool mapped = of_kind && (vma_pages & range) == 0 && link_file_vma(file, mm, va);
  if (mapped) {
    Cell<MappedFile*>& vm_file = mm->vm_file[va.value()];
    WRITE_ONCE(vm_file, file);
    if (kind == MappedFile::kHugetlb) {
      spin_lock(&file->i_mmap_lock);
      WRITE_ONCE(file->sharers, READ_ONCE(file->sharers) + 1);
      spin_unlock(&file->i_mmap_lock);
    }
    WRITE_ONCE(mm->vma_pages, vma_pages | range | range << kVmaFileShift);
  }
  if (mapped && kind == MappedFile::kPfnmap) {
    // remap_pfn_range(): the driver's page, which this mapping does not hold.
    spin_lock(&file->page_lock);
    Page* page = READ_ONCE(file->page);
    const bool going = READ_ONCE(file->truncated) != 0;
    if (page == nullptr && !going) page = alloc_page();
    if (page != nullptr && !going) {
      WRITE_ONCE(file->page, page);
      spin_lock(&mm->page_table_lock);
      if (pte_alloc(mm, va)) set_pte_at(mm, va, Pte::Of(page->number, /*writable=*/true));
      spin_unlock(&mm->page_table_lock);
    }
    spin_unlock(&file->page_lock);
  }
  mmap_write_unlock(mm);
}

// Linux 6.12 mm/memory.c unmap_mapping_range(): every vma that i_mmap has, without its mmap_lock. The
// vma keeps its mm alive: exit_mmap unlinks it under i_mmap_lock.
void unmap_mapping_range(MappedFile* file) {
  spin_lock(&file->i_mmap_lock);
  for (int i = 0; i < kFileVmaCountMax; ++i) {
    Mm* const mm = READ_ONCE(file->vma_mm[i]);
    if (mm == nullptr) continue;
    const VirtPage va(static_cast<std::uint8_t>(READ_ONCE(file->vma_page[i])));
    MmuGather tlb{.mm = mm, .fullmm = false};
    tlb_gather_mmu(&tlb);
    zap_pte_range(&tlb, va, 1);
    tlb_finish_mmu(&tlb);
    GhostPromise(tlb, va, 1);
  }
  spin_unlock(&file->i_mmap_lock);
}

// The owner lets go of its page.
void drop_page(MappedFile* file) {
  spin_lock(&file->page_lock);
  Page* const page = READ_ONCE(file->page);
  WRITE_ONCE(file->page, nullptr);
  WRITE_ONCE(file->dirty, 0);
  spin_unlock(&file->page_lock);
  if (page == nullptr) return;
  page->file = nullptr;
  put_page(page);
}

// Linux 6.12 mm/truncate.c truncate_pagecache().
void truncate(MappedFile* file) {
  spin_lock(&file->page_lock);
  WRITE_ONCE(file->truncated, 1);  // i_size: no fault brings the page back
  spin_unlock(&file->page_lock);
  unmap_mapping_range(file);
  drop_page(file);
}

// A driver takes its buffer away from those who have mapped it, and frees it. Its own lock sees to it
// that nobody maps the buffer meanwhile.
void release_pfn(MappedFile* device) { truncate(device); }

// Linux 6.12 mm/rmap.c page_vma_mkclean_one(). True if the pte was dirty or writable.
bool page_vma_mkclean_one(Mm* mm, VirtPage va) {
  spin_lock(&mm->page_table_lock);
  Cell<Pte>* const ptep = &PteOf(mm->pgd, va);
  Pte pte = READ_ONCE(*ptep);
  bool cleaned = false;
  if (pte.valid() && (pte.dirty() || pte.writable())) {
    pte = ptep_get_and_clear(mm, va, /*fullmm=*/false);
    flush_tlb_range(mm, va, 1);
    cleaned = true;
    set_pte_at(mm, va, pte.Without(Pte::kWrite | Pte::kDirty));
  }
  spin_unlock(&mm->page_table_lock);
  return cleaned;
}

// Linux 6.12 mm/page-writeback.c folio_clear_dirty_for_io(), mm/rmap.c folio_mkclean(). Whoever stores from
// now on faults first.
void write_back(MappedFile* file) {
  spin_lock(&file->page_lock);
  Page* const page = READ_ONCE(file->page);
  if (page != nullptr) {
    bool cleaned = false;
    spin_lock(&file->i_mmap_lock);
    for (int i = 0; i < kFileVmaCountMax; ++i) {
      Mm* const mm = READ_ONCE(file->vma_mm[i]);
      if (mm == nullptr) continue;
      const VirtPage va(static_cast<std::uint8_t>(READ_ONCE(file->vma_page[i])));
      if (page_vma_mkclean_one(mm, va)) cleaned = true;
    }
    spin_unlock(&file->i_mmap_lock);
    if (cleaned) SetPageDirty(file);
    if (ATOMIC_RMW(file->dirty, std::uint64_t{0}) != 0) page->stores_written = page->stores;
  }
  spin_unlock(&file->page_lock);
}

// Files are modelled where flushes are deferred.
constexpr std::string_view kArch = "x86_64";

// One file is of one kind for all who map it.
struct DeviceBuffer : MappedFile {};
struct HugetlbFile : MappedFile {};

template <class File>
OpSpec MapOp(std::string_view name, std::string_view usage, std::string_view what,
             void (*run)(const BoundOp& op)) {
  return {.name = name,
          .usage = usage,
          .what = what,
          .who = OpSpec::Who::kUser,
          .args = {ArgKind::kObject, ArgKind::kPage},
          .run = run,
          .object = &ObjectOf<File>,
          .arch = kArch};
}

template <class File>
OpSpec OwnerOp(std::string_view name, std::string_view usage, std::string_view what,
               void (*run)(const BoundOp& op)) {
  return {.name = name,
          .usage = usage,
          .what = what,
          .args = {ArgKind::kObject},
          .run = run,
          .object = &ObjectOf<File>,
          .arch = kArch};
}

}  // namespace

void RegisterFileOps() {
  RegisterOp(MapOp<MappedFile>("file_mmap", "file_mmap FILE PAGE", "maps the page of a file, shared and writable",
                   [](const BoundOp& op) {
                     map_file(ObjectArg<MappedFile>(op, 0), MappedFile::kPageCache, PageArg(op, 1));
                   }));
  RegisterOp(MapOp<DeviceBuffer>("pfn_mmap", "pfn_mmap DEVICE PAGE",
                   "maps a driver's buffer (VM_PFNMAP): the mapping holds no reference to the page",
                   [](const BoundOp& op) {
                     map_file(ObjectArg<MappedFile>(op, 0), MappedFile::kPfnmap, PageArg(op, 1));
                   }));
  RegisterOp(MapOp<HugetlbFile>("hugetlb_mmap", "hugetlb_mmap FILE PAGE",
                   "maps a huge page through a page table that all who map the file share",
                   [](const BoundOp& op) {
                     map_file(ObjectArg<MappedFile>(op, 0), MappedFile::kHugetlb, PageArg(op, 1));
                   }));
  RegisterOp(OwnerOp<MappedFile>("file_truncate", "file_truncate FILE",
                     "takes the page out of all mappings, and frees it",
                     [](const BoundOp& op) { truncate(ObjectArg<MappedFile>(op, 0)); }));
  RegisterOp(OwnerOp<MappedFile>("file_writeback", "file_writeback FILE",
                     "write-protects the page in all mappings, and writes it out if it is dirty",
                     [](const BoundOp& op) { write_back(ObjectArg<MappedFile>(op, 0)); }));
  RegisterOp(OwnerOp<DeviceBuffer>("pfn_release", "pfn_release DEVICE",
                     "unmaps a driver's buffer where it is mapped, and frees it",
                     [](const BoundOp& op) { release_pfn(ObjectArg<MappedFile>(op, 0)); }));
}

}  // namespace shootdown::kernel
