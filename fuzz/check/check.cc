#include "fuzz/check/check.h"

#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

constexpr auto kAll = std::to_array<const Check*>({
    &kStaleTlbUse, &kForeignTlbEntry, &kUseAfterFlush, &kUseAfterPromise, &kDifferentialRead,
    &kMmUseAfterFree, &kPageFreedWhileMapped, &kRefcountRange, &kTsbFreedInUse, &kDeadlock,
    &kLivelock, &kContextMismatch, &kContextCollision, &kContextBitmap, &kCpumaskLostBit,
    &kCpumaskMissedEntry, &kCpumaskForeignClear, &kUseMmWithoutUser, &kMmputInAtomic,
    &kCallFunctionContext, &kMmSwitchIrqsOn, &kFreedTableWalk, &kWriteLost, &kMembarrierFailed,
    &kSecondaryMmMismatch, &kTlbBatchLeak, &kFlushArgumentReused, &kXcallAbandoned,
    &kRefcountConservation, &kActiveCpus, &kFreedOffline, &kTornContext,
    &kHypercallRefused});

Finding last_finding;

bool EndsRun(kernel::EventKind kind) {
  return kind == kernel::EventKind::kQuiet || kind == kernel::EventKind::kDeadlock ||
         kind == kernel::EventKind::kLivelock;
}

}  // namespace

std::span<const Check* const> AllChecks() { return kAll; }

const Check* FindCheck(std::string_view name) {
  for (const Check* check : kAll) {
    if (check->name == name) return check;
  }
  return nullptr;
}

void Report(const Check& check, const kernel::Event& event, std::string message) {
  if (last_finding.check != nullptr) return;
  sim::Machine& m = sim::Machine::Get();
  const kernel::Task* const task = event.task;
  const bool at_end = EndsRun(event.kind);
  std::string role;
  if (!at_end) {
    role = task->idle != 0 ? "idle" : task->kthread != 0 ? "kthread" : "user";
    if (m.InInterrupt()) role += "+irq";
  }
  last_finding = {.check = &check,
                  .row = m.row() == 0 ? 0 : m.row() - 1,
                  .message = std::move(message),
                  .at_end = at_end,
                  .role = std::move(role)};
  if (!at_end) m.RequestStop();
}

const Finding& LastFinding() { return last_finding; }
void ClearFinding() {
  if (last_finding.check != nullptr) last_finding = Finding();
}

std::string NameOf(const kernel::Task* task) {
  if (task->idle != 0) return "swapper/" + std::to_string(task->number);
  return kernel::Kernel::Get().boot[static_cast<std::size_t>(task->number)].name;
}

std::string NameOf(const kernel::Mm* mm) {
  if (mm == nullptr) return "no mm";
  return mm->id == 0 ? "init_mm" : "mm" + std::to_string(mm->id);
}

std::string PageName(int virt) { return "page " + std::string(1, static_cast<char>('A' + virt)); }
std::string MaskText(std::uint64_t bits) { return sim::FormatMask(bits); }

}  // namespace shootdown::check
