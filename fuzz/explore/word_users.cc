#include "fuzz/explore/word_users.h"

#include <algorithm>

#include "fuzz/explore/saved_bytes.h"

namespace shootdown::explore {

using sim::LogEntry;
using sim::Machine;
using sim::StepKind;
using sim::WordIndex;

namespace {

constexpr std::uint64_t BitOf(int cpu) { return std::uint64_t{1} << cpu; }

}  // namespace

WordUsers::WordUsers(const Machine& machine, UseLeftOut left_out) : left_out_(left_out) {
  const auto memory = machine.GuestMemory();
  const std::size_t word_count = sim::Arena::IndexOf(memory.data() + memory.size());
  cpus_.resize(word_count);
  looks_.resize(word_count);
  told_.resize(word_count);
  relied_on_by_.resize(word_count, kNobody);
}

void WordUsers::Watch(Machine& machine, bool on) {
  const bool looks = on && left_out_ != UseLeftOut::kLooks;
  machine.NoteLooks(looks ? looks_.data() : nullptr);
}

void WordUsers::Absorb(const Machine& machine) {
  const auto log = machine.log();
  for (; rows_ < log.size(); ++rows_) {
    const LogEntry& entry = log[rows_];
    if (entry.word == sim::kNoWord || entry.kind == StepKind::kDrain) continue;
    if (left_out_ == UseLeftOut::kSteps && entry.kind == StepKind::kLoad) continue;
    // User data do not pass through the store buffer.
    const bool user = entry.kind == StepKind::kUserLoad || entry.kind == StepKind::kUserStore;
    cpus_[entry.word] |= user ? Machine::kEverybody : BitOf(entry.cpu);
  }
}

bool WordUsers::RelyOnOnly(int cpu, WordIndex word) {
  if (IsReliedOn(cpu, word)) return true;
  if ((UsersOf(word) & ~BitOf(cpu)) != 0) return false;
  Rely({.word = word, .cpu = static_cast<std::uint32_t>(cpu)});
  return true;
}

void WordUsers::Rely(Reliance reliance) {
  if (relied_on_by_[reliance.word] != kNobody) return;
  relied_on_by_[reliance.word] = static_cast<std::uint8_t>(reliance.cpu);
  relied_on_.push_back(reliance);
}

bool WordUsers::Contradicted() const {
  return left_out_ != UseLeftOut::kContradictions &&
         std::ranges::any_of(relied_on_, [this](const Reliance& r) {
           return (UsersOf(r.word) & ~BitOf(static_cast<int>(r.cpu))) != 0;
         });
}

void WordUsers::RelyOnNothing() {
  for (const Reliance& r : relied_on_) relied_on_by_[r.word] = kNobody;
  relied_on_.clear();
  relied_on_told_ = 0;
}

void WordUsers::Save(const std::vector<Use>& uses, const std::vector<Reliance>& relied_on,
                     std::string& bytes) {
  PutAll(bytes, uses);
  PutAll(bytes, relied_on);
}

void WordUsers::SaveNews(std::string& bytes) {
  std::vector<Use> news;
  for (std::size_t w = 0; w < cpus_.size(); ++w) {
    const std::uint64_t cpus = UsersOf(static_cast<WordIndex>(w));
    if (cpus == told_[w]) continue;
    news.push_back({.cpus = cpus, .word = w});
    told_[w] = cpus;
  }
  const auto first = relied_on_.begin() + static_cast<std::ptrdiff_t>(relied_on_told_);
  Save(news, {first, relied_on_.end()}, bytes);
  relied_on_told_ = relied_on_.size();
}

bool WordUsers::Learn(std::string_view& bytes) {
  std::uint64_t count = 0;
  if (!Get(bytes, count)) return false;
  for (; count != 0; --count) {
    Use use{};
    if (!Get(bytes, use) || use.word >= cpus_.size()) return false;
    cpus_[use.word] |= use.cpus;
    told_[use.word] |= use.cpus;
  }
  if (!Get(bytes, count)) return false;
  for (; count != 0; --count) {
    Reliance reliance{};
    if (!Get(bytes, reliance) || reliance.word >= cpus_.size() ||
        reliance.cpu >= kProcessCountMax) {
      return false;
    }
    Rely(reliance);
  }
  return true;
}

void WordUsers::SaveAll(std::string& bytes) const {
  std::vector<Use> uses;
  for (std::size_t w = 0; w < cpus_.size(); ++w) {
    const std::uint64_t cpus = UsersOf(static_cast<WordIndex>(w));
    if (cpus != 0) uses.push_back({.cpus = cpus, .word = w});
  }
  Save(uses, relied_on_, bytes);
}

}  // namespace shootdown::explore
