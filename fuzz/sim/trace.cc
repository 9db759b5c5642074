#include "fuzz/sim/trace.h"

#include <array>

#include "fuzz/base/hash.h"

namespace shootdown::sim {
namespace {

// `before`: of the rows before it.
std::uint64_t WithRow(std::uint64_t before, const LogEntry& e) {
  const std::uint64_t who = static_cast<std::uint64_t>(e.kind) << 24 |
                            static_cast<std::uint64_t>(e.cpu) << 16 |
                            (e.actor & 0xffu) << 8 |
                            (e.flags & ~LogEntry::kUnchanged) |
                            static_cast<std::uint64_t>(e.actor >> 8) << 32;  // where nothing else stands
  return Combine(before, Combine(Combine(e.site->hash, e.value), Combine(who, e.word)));
}

}  // namespace

const char* KindName(StepKind kind) {
  static constexpr std::array<const char*, kStepKindCount> kNames = {
      "load",       "store",       "rmw",           "fence",       "user_load",
      "user_store", "tlb_miss",    "tlb_insert",    "demap",       "context_write",
      "mondo_send", "mondo_nack",  "mondo_taken",   "softint_taken", "nmi_taken",
      "drain",      "action",      "wait",          "note",        "late_load"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string RowText(const LogEntry& entry) {
  std::string text = ToText(ActorId(entry.actor));
  text.append(" cpu").append(std::to_string(entry.cpu));
  text.append(" ").append(SiteName(*entry.site)).append(" ").append(KindName(entry.kind));
  if (entry.word != kNoWord) text.append(" ").append(Arena::Live().NameOf(entry.word));
  if (entry.kind != StepKind::kFence && entry.kind != StepKind::kWait) {
    text.append(" ").append(entry.site->format(entry.value));
  }
  if ((entry.flags & LogEntry::kHeld) != 0) text += " held";
  if ((entry.flags & LogEntry::kForwarded) != 0) text += " forwarded";
  if ((entry.flags & LogEntry::kOld) != 0) text += " old";
  return text;
}

std::vector<std::uint64_t> ChainedHashes(std::span<const LogEntry> log) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(log.size());
  std::uint64_t hash = 0;
  for (const LogEntry& e : log) {
    hash = WithRow(hash, e);
    hashes.push_back(hash);
  }
  return hashes;
}

std::uint64_t LogHash(std::span<const LogEntry> log) {
  std::uint64_t hash = 0;
  for (const LogEntry& e : log) hash = WithRow(hash, e);
  return hash;
}

}  // namespace shootdown::sim
