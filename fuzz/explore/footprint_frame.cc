#include "fuzz/explore/footprint_frame.h"

#include <algorithm>
#include <utility>

#include "fuzz/base/check.h"
#include "fuzz/explore/saved_bytes.h"

namespace shootdown::explore {

// `process` has been tried.
void FootprintFrame::SendToSleep() {
  if (at_once) {
    Footprint both = *touched;
    both.insert(both.end(), touched_held->begin(), touched_held->end());
    touched = std::make_shared<const Footprint>(std::move(both));
    touched_held = nullptr;
    at_once = false;
  }
  sleepers.push_back({.process = process, .touched = std::move(touched), .event = event});
  touched = nullptr;
  if (!event) asleep |= Bit(process);
}

bool FootprintFrame::NextEvent() {
  if (events_begun == events.size()) return false;
  event = events[events_begun++];
  process = event->process;
  return true;
}

bool FootprintFrame::Next() {
  if (touched != nullptr) {
    if (looks_at_store && !at_once) {
      touched_held = std::move(touched);
      touched = nullptr;
      at_once = true;
      return true;
    }
    SendToSleep();
  }
  if (Left() == 0) return NextEvent();
  process = Lowest(Left());
  event.reset();
  return true;
}

// ---- written down --------------------------------------------------------------------------------

namespace {

// In place of a footprint's number.
constexpr std::uint32_t kNoFootprint = UINT32_MAX;

}  // namespace

// The first time with all that it has.
void FrameWriter::Write(const Touched& touched) {
  if (touched == nullptr) {
    Put(bytes_, kNoFootprint);
    return;
  }
  const auto [at, is_new] =
      numbers_.try_emplace(touched.get(), static_cast<std::uint32_t>(numbers_.size()));
  Put(bytes_, at->second);
  if (is_new) PutAll(bytes_, *touched);
}

void FrameWriter::Write(const std::optional<OutsideEvent>& event) {
  Put(bytes_, static_cast<std::uint8_t>(event.has_value()));
  if (event) Put(bytes_, *event);
}

void FrameWriter::Write(const FootprintFrame& frame) {
  for (const ProcessSet set : {frame.enabled, frame.asleep, frame.backtrack, frame.waiting}) {
    Put(bytes_, set);
  }
  for (const Touched& look : frame.looks) Write(look);
  Put(bytes_, static_cast<std::uint32_t>(frame.sleepers.size()));
  for (const FootprintFrame::Sleeper& sleeper : frame.sleepers) {
    Put(bytes_, sleeper.process);
    Write(sleeper.touched);
    Write(sleeper.event);
  }
  Put(bytes_, frame.event_count);
  PutAll(bytes_, frame.events);
  Put(bytes_, frame.events_begun);
  Put(bytes_, frame.process);
  Write(frame.event);
  Write(frame.touched);
  for (const bool flag :
       {frame.ends_wait, frame.is_held_store, frame.looks_at_store, frame.at_once}) {
    Put(bytes_, static_cast<std::uint8_t>(flag));
  }
  Write(frame.touched_held);
  for (int p = 0; p < process_count_; ++p) Put(bytes_, frame.clock[static_cast<std::size_t>(p)]);
}

bool FrameReader::Read(Touched& touched) {
  std::uint32_t number = 0;
  if (!Get(bytes_, number)) return false;
  touched = nullptr;
  if (number == kNoFootprint) return true;
  if (number > footprints_.size()) return false;
  if (number == footprints_.size()) {
    Footprint footprint;
    if (!GetAll(bytes_, footprint)) return false;
    if (!std::ranges::all_of(footprint, [](const Touch& t) { return t.word < kFootprintWords; })) {
      return false;
    }
    footprints_.push_back(std::make_shared<const Footprint>(std::move(footprint)));
  }
  touched = footprints_[number];
  return true;
}

bool FrameReader::ReadLooks(FootprintFrame& frame) {
  frame.looks.resize(static_cast<std::size_t>(cpu_count_));
  for (int c = 0; c < cpu_count_; ++c) {
    Touched& look = frame.looks[static_cast<std::size_t>(c)];
    if (!Read(look) || (look != nullptr) != ((frame.waiting & Bit(c)) != 0)) return false;
  }
  return true;
}

bool FrameReader::ReadSleepers(FootprintFrame& frame) {
  std::uint32_t count = 0;
  if (!Get(bytes_, count) || count > bytes_.size()) return false;
  frame.sleepers.resize(count);
  return std::ranges::all_of(frame.sleepers, [this](FootprintFrame::Sleeper& sleeper) {
    return Get(bytes_, sleeper.process) && IsProcess(sleeper.process) && Read(sleeper.touched) &&
           sleeper.touched != nullptr && Read(sleeper.event);
  });
}

bool FrameReader::IsEvent(const OutsideEvent& event) const {
  switch (event.kind) {
    case sim::Move::Kind::kDefer:
    case sim::Move::Kind::kResched:
    case sim::Move::Kind::kEvict:
    case sim::Move::Kind::kNmi:
    case sim::Move::Kind::kWalk:
      return IsProcess(event.process) && event.cpu < cpu_count_;
    default:
      return false;
  }
}

bool FrameReader::Read(std::optional<OutsideEvent>& event) {
  std::uint8_t is_there = 0;
  if (!Get(bytes_, is_there) || is_there > 1) return false;
  event.reset();
  return is_there == 0 || (Get(bytes_, event.emplace()) && IsEvent(*event));
}

bool FrameReader::ReadEvents(FootprintFrame& frame) {
  return Get(bytes_, frame.event_count) && GetAll(bytes_, frame.events) &&
         std::ranges::all_of(frame.events, [this](const OutsideEvent& e) { return IsEvent(e); }) &&
         Get(bytes_, frame.events_begun) && frame.events_begun <= frame.events.size();
}

bool FrameReader::Read(FootprintFrame& frame) {
  frame = {};
  for (ProcessSet* const set : {&frame.enabled, &frame.asleep, &frame.backtrack, &frame.waiting}) {
    if (!Get(bytes_, *set)) return false;
  }
  if (!ReadLooks(frame) || !ReadSleepers(frame) || !ReadEvents(frame)) return false;
  if (!Get(bytes_, frame.process) || !IsProcess(frame.process) || !Read(frame.event) ||
      !Read(frame.touched)) {
    return false;
  }
  for (bool* const flag :
       {&frame.ends_wait, &frame.is_held_store, &frame.looks_at_store, &frame.at_once}) {
    std::uint8_t value = 0;
    if (!Get(bytes_, value) || value > 1) return false;
    *flag = value == 1;
  }
  if (!Read(frame.touched_held) || (frame.touched_held != nullptr) != frame.at_once) return false;
  return std::all_of(frame.clock.begin(), frame.clock.begin() + process_count_,
                     [this](std::uint16_t& time) { return Get(bytes_, time); });
}

}  // namespace shootdown::explore
