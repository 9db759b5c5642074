// A state on the way of a run that FootprintDpor makes, the step that is taken from it, and what is still to be
// tried there; and how that is written down.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_FOOTPRINT_FRAME_H_
#define SHOOTDOWN_FUZZ_EXPLORE_FOOTPRINT_FRAME_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fuzz/explore/memory_watch.h"
#include "fuzz/explore/process_scheduler.h"

namespace shootdown::explore {

using Touched = std::shared_ptr<const Footprint>;

// What may come to a CPU from outside, before its next step. `process`: all that come to this CPU, as one that takes
// steps beside those of the scheduler.
struct OutsideEvent {
  std::uint8_t process = 0;
  std::uint8_t cpu = 0;
  sim::Move::Kind kind = sim::Move::Kind::kStep;
  std::uint8_t arg = 0;
  [[nodiscard]] bool operator==(const OutsideEvent&) const = default;
};

struct FootprintFrame {
  // Who sleeps, and what its next step touches; or which event does.
  struct Sleeper {
    Process process;
    Touched touched;
    std::optional<OutsideEvent> event = std::nullopt;
  };
  // By process: so many of its steps happen before a step, that one included.
  using Clock = std::array<std::uint16_t, kProcessCountMax>;
  static constexpr std::int32_t kNone = -1;

  ProcessSet enabled = 0;
  ProcessSet asleep = 0;            // those that were tried from here, too
  ProcessSet backtrack = 0;         // and those that are to be
  ProcessSet waiting = 0;           // CPUs whose wait is not over
  std::vector<Touched> looks = {};  // by CPU: what its wait looked at, if that is not over
  std::vector<Sleeper> sleepers = {};
  std::uint32_t event_count = 0;             // in the run before
  std::vector<OutsideEvent> events = {};     // that may come here; those that sleep first
  std::uint32_t events_begun = 0;            // of these
  Process process = 0;
  std::optional<OutsideEvent> event = {};    // the step is that it comes
  Touched touched = nullptr;  // null: the step is not over
  bool ends_wait = false;
  bool is_held_store = false;
  bool looks_at_store = false;     // that is held, though it could reach memory in the same step
  bool at_once = false;            // it does
  Touched touched_held = nullptr;  // when it did not
  Clock clock = {};
  // Where the step stands among those of the run. Not written down, since that follows from the steps before it.
  std::uint32_t nth = 0;                   // of the process's steps, from 1
  std::int32_t before_of_process = kNone;  // frames
  std::size_t access_count = 0;            // of those before it
  // What sleepers would have touched from here, or waits have looked at, and may no longer, since the step is in
  // conflict with it. That follows, too.
  std::vector<Touched> undone = {};

  // Whether something is left to be tried from here, when all behind `process` is.
  [[nodiscard]] bool HasNext() const {
    return (touched != nullptr && looks_at_store && !at_once) || LeftCount() != 0;
  }
  // Those that are, `process` not among them.
  [[nodiscard]] ProcessSet Left() const { return backtrack & ~asleep & ~Bit(process); }
  [[nodiscard]] std::size_t LeftCount() const {
    return static_cast<std::size_t>(std::popcount(Left())) + events.size() - events_begun;
  }
  // Chooses the next event. False: all have been tried, or sleep.
  [[nodiscard]] bool NextEvent();
  // All behind `process`, whose step is over, has been tried: another one is chosen. False: none is left.
  [[nodiscard]] bool Next();

 private:
  void SendToSleep();
};

// Footprints are many frames' together, and written once.
class FrameWriter {
 public:
  FrameWriter(std::string& bytes, int process_count)
      : bytes_(bytes), process_count_(process_count) {}
  [[nodiscard]] std::string& bytes() { return bytes_; }
  void Write(const FootprintFrame& frame);

 private:
  void Write(const Touched& touched);
  void Write(const std::optional<OutsideEvent>& event);

  std::string& bytes_;
  int process_count_;
  absl::flat_hash_map<const Footprint*, std::uint32_t> numbers_;
};

// Of a machine with so many CPUs and processes.
class FrameReader {
 public:
  FrameReader(std::string_view& bytes, int cpu_count, int process_count)
      : bytes_(bytes), cpu_count_(cpu_count), process_count_(process_count) {}
  [[nodiscard]] std::string_view& bytes() { return bytes_; }
  // False: none is there.
  [[nodiscard]] bool Read(FootprintFrame& frame);

 private:
  [[nodiscard]] bool Read(Touched& touched);
  [[nodiscard]] bool ReadLooks(FootprintFrame& frame);
  [[nodiscard]] bool ReadSleepers(FootprintFrame& frame);
  [[nodiscard]] bool ReadEvents(FootprintFrame& frame);
  [[nodiscard]] bool Read(std::optional<OutsideEvent>& event);
  [[nodiscard]] bool IsEvent(const OutsideEvent& event) const;
  [[nodiscard]] bool IsProcess(Process p) const { return p >= 0 && p < process_count_; }

  std::string_view& bytes_;
  int cpu_count_;
  int process_count_;
  std::vector<Touched> footprints_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_FOOTPRINT_FRAME_H_
