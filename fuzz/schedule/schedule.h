// A schedule: the decisions that make one run differ from the default order.
//
// Default order (the empty schedule): a CPU runs on until it waits or ends, then the next runnable
// one, counting up and around; stores reach memory at once; interrupts are taken as soon as they
// are unmasked; nothing is preempted.
//
// Always holds:
//   S1  A decision is anchored to an actor's own visible steps, never to global time, so it keeps
//       its meaning when other decisions come and go.
//   S2  Every byte string decodes to a schedule; what does not apply in a run is ignored by it.
//   S3  Equal behaviour intended, equal form: Canonical() sorts by anchor (keeping the order at each),
//       clears unused fields and drops exact repeats of holds and of old values. It is idempotent.
//
// Search makes millions of schedules a second. A function with a parameter `memory` takes the memory
// of that schedule, whatever it says, instead of asking the allocator.
#ifndef SHOOTDOWN_FUZZ_SCHEDULE_SCHEDULE_H_
#define SHOOTDOWN_FUZZ_SCHEDULE_SCHEDULE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzz/sim/ids.h"

namespace shootdown {

// One departure from the default order, taken just before `actor` takes its own step `index`
// (counted from 0).
struct Decision {
  enum class Kind : std::uint8_t {
    kSwitch = 0,   // go on with `to`: a CPU (C<n>), or let buffer B<n>'s store at place `arg` (the
                   // oldest: 0) reach memory
    kHold = 1,     // this step's store stays in the store buffer, for at most `arg` further steps
                   // of its CPU (0: until a fence, a full buffer, or a drain); so does a load that
                   // may come late (RMO)
    kDefer = 2,    // the CPU's pending interrupts wait for `arg` further steps of the actor
    kResched = 3,  // a reschedule interrupt arrives at the CPU (a timer tick, a wake-up)
    kEvict = 4,    // the TLB drops its entry number `arg` (modulo the number of entries)
    kNmi = 5,      // a non-maskable interrupt arrives at the CPU
    kWalk = 6,     // the CPU's walker fetches page `arg`, though nobody has asked for it
    kOld = 7,      // this step's load comes early (RMO): it gives what the word held before its last
                   // `arg` stores
  };
  static constexpr int kKindCount = 8;

  Kind kind = Kind::kSwitch;
  ActorId actor;
  ActorId to = ActorId();  // kSwitch only: class kCpu or kBuffer
  std::uint8_t arg = 0;   // kHold, kDefer, kEvict, kWalk, kOld; kSwitch to a buffer
  std::uint32_t index = 0;  // at most kIndexMax

  static constexpr std::uint32_t kIndexMax = 0xffff;
  friend constexpr bool operator==(const Decision&, const Decision&) = default;
};

class Schedule {
 public:
  static constexpr std::size_t kRecordBytes = 8;
  static constexpr std::size_t kRecordCountMax = 4096;  // Decode() does not read what follows
  static constexpr std::size_t kSizeMax = 0xfffe;       // that can be run

  Schedule() = default;
  explicit Schedule(std::vector<Decision> decisions) : decisions_(std::move(decisions)) {}

  // The canonical form of what `bytes` say: 8 bytes a decision, an incomplete tail is dropped.
  [[nodiscard]] static Schedule Decode(std::span<const std::uint8_t> bytes, Schedule memory = {});
  // Decode(Encode()) == *this for a canonical schedule.
  [[nodiscard]] std::vector<std::uint8_t> Encode() const;
  // Encodes as many decisions as there is room for; returns how many bytes that is.
  [[nodiscard]] std::size_t EncodeTo(std::span<std::uint8_t> bytes) const;

  // The text form: decisions with blanks between, `T1@12>C0 T0@5~hold(3) C1@0~defer(2)
  // T0@9~resched T0@9~evict(1) T0@9~nmi T0@9~walk(0) T0@9~old(1) T0@7>B0 T0@8>B0(1)`. The empty
  // schedule is the empty text. At most kSizeMax decisions.
  // Errors: INVALID_ARGUMENT with line:column, what stands there, and what was wanted.
  [[nodiscard]] static absl::StatusOr<Schedule> Parse(std::string_view text);
  [[nodiscard]] std::string ToText() const;

  [[nodiscard]] Schedule Canonical() const& { return Schedule(*this).Canonical(); }
  [[nodiscard]] Schedule Canonical() &&;
  [[nodiscard]] Schedule Without(std::size_t i) const;

  [[nodiscard]] const std::vector<Decision>& decisions() const& { return decisions_; }
  [[nodiscard]] std::vector<Decision> decisions() && { return std::move(decisions_); }
  [[nodiscard]] std::size_t size() const { return decisions_.size(); }
  [[nodiscard]] bool empty() const { return decisions_.empty(); }

  friend bool operator==(const Schedule&, const Schedule&) = default;

 private:
  std::vector<Decision> decisions_;
};

[[nodiscard]] std::string ToText(const Decision& decision);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SCHEDULE_SCHEDULE_H_
