// A protocol of one's own, a scenario for it, and the search for the schedule that breaks it.
#include <cstdio>

#include "fuzz/engine/mutator.h"
#include "fuzz/engine/target.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/scenario/simulation.h"
#include "proto/scenario_text.h"

using namespace shootdown;
using namespace shootdown::kernel;

// Frees a page and tells no CPU: other threads still have it in their TLBs.
void careless_unmap(const BoundOp& op) {
  Mm* const mm = READ_ONCE(current()->mm);
  spin_lock(&mm->page_table_lock);
  const Pte pte = ptep_get_and_clear(mm, PageArg(op, 0), /*fullmm=*/true);
  spin_unlock(&mm->page_table_lock);
  if (pte.valid()) put_page(&Kernel::Get().pages[pte.page()]);
}

constexpr char kScenario[] = R"(
    name: "careless" summary: "unmaps without a flush" machine { cpus: 2 }
    task { name: "a" process: "p" cpu: 0 setup: "mmap A" op: "careless_unmap A" }
    task { name: "b" process: "p" cpu: 1 op: "touch A" op: "touch A" }
    expect { finds: "stale_tlb_use" })";

int main() {
  RegisterOp({.name = "careless_unmap", .usage = "careless_unmap PAGE",
              .what = "frees a page without a flush", .args = {ArgKind::kPage},
              .run = &careless_unmap});
  const auto scenario = ParseScenario(kScenario, "careless");
  ScenarioProblem problem;
  const auto simulation = Simulation::Build(*scenario, &problem);
  bool found = false;
  Target target(*simulation);
  target.OnFound([&](const Target::Found& f) {
    found = true;
    std::printf("%s: %s\n", f.kind_key.c_str(), f.exact.ToText().c_str());
  });
  Prng prng(1);
  (void)target.Run(Schedule());
  while (!found && target.run_count() < 100'000) (void)target.Run(Mutate(target.machine(), prng));
  return found ? 0 : 1;
}
