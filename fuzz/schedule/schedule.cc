#include "fuzz/schedule/schedule.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "absl/strings/str_format.h"

namespace shootdown {
namespace {

using Kind = Decision::Kind;

constexpr std::array<std::string_view, Decision::kKindCount> kWords = {
    "", "hold", "defer", "resched", "evict", "nmi", "walk", "old"};

// Byte strings that were written before there were walks and old loads keep their meaning, all but those
// very bytes.
Kind KindOf(std::uint8_t byte) {
  constexpr int kKindsBeforeWalk = 6;
  return static_cast<Kind>(byte < Decision::kKindCount ? byte : byte % kKindsBeforeWalk);
}

// Byte 6 of a record: what the codes of its actors have beyond a byte. Nobody wrote it or read it before there
// were so many actors, so anything else there means nothing still.
constexpr std::uint8_t kHighActor = 1;
constexpr std::uint8_t kHighTo = 2;
std::uint8_t HighBits(std::uint8_t byte) {
  return byte <= (kHighActor | kHighTo) ? byte : std::uint8_t{0};
}
ActorId ActorOf(std::uint8_t byte, bool high) {
  return ActorId(static_cast<std::uint16_t>(high ? 0x100 | byte : byte));
}
bool IsHigh(ActorId actor) { return actor.code() > 0xff; }

bool TakesArgument(Kind kind) {
  return kind == Kind::kHold || kind == Kind::kDefer || kind == Kind::kEvict ||
         kind == Kind::kWalk || kind == Kind::kOld;
}

// The same decision with unused fields cleared.
Decision Clean(Decision d) {
  if (d.kind == Kind::kSwitch) {
    // Only CPUs and buffers can be gone on with: the low bit of the class tells which.
    const bool buffer = (d.to.code() & 0x40) != 0;
    d.to = buffer ? BufferActor(d.to.number()) : CpuActor(d.to.number());
    if (!buffer) d.arg = 0;
  } else {
    d.to = ActorId();
    if (!TakesArgument(d.kind)) d.arg = 0;
  }
  d.index = std::min(d.index, Decision::kIndexMax);
  return d;
}

// One number, so that comparing takes one branch.
std::uint32_t AnchorKey(const Decision& d) {
  static_assert(Decision::kIndexMax <= 0xffff);
  return std::uint32_t{d.actor.code()} << 16 | d.index;
}

bool AnchorLess(const Decision& a, const Decision& b) { return AnchorKey(a) < AnchorKey(b); }
bool SameAnchor(const Decision& a, const Decision& b) { return AnchorKey(a) == AnchorKey(b); }

// Stable: several decisions at one anchor are taken in the order given.
void SortByAnchor(std::vector<Decision>& decisions) {
  constexpr std::size_t kSmall = 64;  // what search makes: sorted without allocating
  if (decisions.size() > kSmall) {
    std::vector<std::pair<Decision, std::size_t>> placed;
    placed.reserve(decisions.size());
    for (const Decision& d : decisions) placed.emplace_back(d, placed.size());
    std::ranges::sort(placed, [](const auto& a, const auto& b) {
      return SameAnchor(a.first, b.first) ? a.second < b.second : AnchorLess(a.first, b.first);
    });
    for (std::size_t i = 0; i < placed.size(); ++i) decisions[i] = placed[i].first;
    return;
  }
  for (std::size_t i = 1; i < decisions.size(); ++i) {
    if (!AnchorLess(decisions[i], decisions[i - 1])) continue;
    const Decision d = decisions[i];
    const std::uint32_t key = AnchorKey(d);
    std::size_t at = i;
    for (; at > 0 && key < AnchorKey(decisions[at - 1]); --at) decisions[at] = decisions[at - 1];
    decisions[at] = d;
  }
}

// A cursor over the text form, which remembers where it is for error messages.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void SkipBlanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
      if (text_[at_] == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      }
      ++at_;
    }
  }
  [[nodiscard]] bool AtEnd() const { return at_ == text_.size(); }
  [[nodiscard]] char Peek() const { return AtEnd() ? '\0' : text_[at_]; }
  bool Take(char c) {
    if (Peek() != c || AtEnd()) return false;
    ++at_;
    return true;
  }
  std::string_view TakeWord() {
    const std::size_t start = at_;
    while (at_ < text_.size() && std::islower(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return text_.substr(start, at_ - start);
  }
  // False if there is no number, or one above `max`.
  bool TakeNumber(std::uint32_t max, std::uint32_t* value) {
    const char* const first = text_.data() + at_;
    const char* const last = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(first, last, *value);
    if (error != std::errc() || *value > max) return false;
    at_ += static_cast<std::size_t>(stop - first);
    return true;
  }
  [[nodiscard]] absl::Status Wanted(std::string_view what) const {
    const std::string_view rest = text_.substr(at_);
    std::string found;
    for (const char c : rest.substr(0, std::min<std::size_t>(rest.find_first_of(" \t\n"), 16))) {
      found += std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '?';
    }
    return absl::InvalidArgumentError(absl::StrFormat(
        "schedule:%d:%d: found %s, wanted %s", line_, at_ - line_start_ + 1,
        rest.empty() ? std::string("the end") : "\"" + found + "\"", std::string(what)));
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::size_t line_start_ = 0;
};

absl::Status ReadActor(Reader& in, std::string_view letters, ActorId* actor) {
  const char letter = in.Peek();
  if (in.AtEnd() || letters.find(letter) == std::string_view::npos) {
    return in.Wanted("one of the letters " + std::string(letters));
  }
  in.Take(letter);
  std::uint32_t number = 0;
  static_assert(ActorId::kNumberCount == 128);
  if (!in.TakeNumber(127, &number)) return in.Wanted("a number from 0 to 127");
  const auto actor_class =
      static_cast<ActorId::Class>(std::string_view("TICB").find(letter));
  *actor = ActorId(actor_class, static_cast<int>(number));
  return absl::OkStatus();
}

// "(", a number, ")".
absl::Status ReadArgument(Reader& in, std::uint8_t* arg) {
  std::uint32_t number = 0;
  if (!in.Take('(')) return in.Wanted("(");
  if (!in.TakeNumber(255, &number)) return in.Wanted("a number from 0 to 255");
  if (!in.Take(')')) return in.Wanted(")");
  *arg = static_cast<std::uint8_t>(number);
  return absl::OkStatus();
}

absl::Status ReadDecision(Reader& in, Decision* d) {
  if (absl::Status s = ReadActor(in, "TIC", &d->actor); !s.ok()) return s;
  if (!in.Take('@')) return in.Wanted("@");
  if (!in.TakeNumber(Decision::kIndexMax, &d->index)) {
    return in.Wanted("a step number from 0 to 65535");
  }
  if (in.Take('>')) {
    d->kind = Kind::kSwitch;
    if (absl::Status s = ReadActor(in, "CB", &d->to); !s.ok()) return s;
    const bool buffer = d->to.actor_class() == ActorId::Class::kBuffer;
    return buffer && in.Peek() == '(' ? ReadArgument(in, &d->arg) : absl::OkStatus();
  }
  if (!in.Take('~')) return in.Wanted("> or ~");
  Reader before = in;
  const std::string_view word = in.TakeWord();
  const auto* const found = std::find(kWords.begin() + 1, kWords.end(), word);
  if (found == kWords.end()) return before.Wanted("hold, defer, resched, evict, nmi, walk or old");
  d->kind = static_cast<Kind>(found - kWords.begin());
  return TakesArgument(d->kind) ? ReadArgument(in, &d->arg) : absl::OkStatus();
}

}  // namespace

Schedule Schedule::Decode(std::span<const std::uint8_t> bytes, Schedule memory) {
  std::vector<Decision> decisions = std::move(memory).decisions();
  decisions.clear();
  bytes = bytes.first(std::min(bytes.size(), kRecordCountMax * kRecordBytes));
  decisions.reserve(bytes.size() / kRecordBytes);
  for (; bytes.size() >= kRecordBytes; bytes = bytes.subspan(kRecordBytes)) {
    const std::uint8_t high = HighBits(bytes[6]);
    decisions.push_back({.kind = KindOf(bytes[0]),
                         .actor = ActorOf(bytes[1], (high & kHighActor) != 0),
                         .to = ActorOf(bytes[2], (high & kHighTo) != 0),
                         .arg = bytes[3],
                         .index = static_cast<std::uint32_t>(bytes[4] | bytes[5] << 8)});
  }
  return Schedule(std::move(decisions)).Canonical();
}

std::vector<std::uint8_t> Schedule::Encode() const {
  std::vector<std::uint8_t> bytes(decisions_.size() * kRecordBytes);
  (void)EncodeTo(bytes);
  return bytes;
}

std::size_t Schedule::EncodeTo(std::span<std::uint8_t> bytes) const {
  std::size_t at = 0;
  for (const Decision& d : decisions_) {
    if (bytes.size() - at < kRecordBytes) break;
    const std::array<std::uint8_t, kRecordBytes> record = {
        static_cast<std::uint8_t>(d.kind),
        static_cast<std::uint8_t>(d.actor.code()),
        static_cast<std::uint8_t>(d.to.code()),
        d.arg,
        static_cast<std::uint8_t>(d.index & 0xff),
        static_cast<std::uint8_t>(d.index >> 8 & 0xff),
        static_cast<std::uint8_t>((IsHigh(d.actor) ? kHighActor : 0) |
                                  (IsHigh(d.to) ? kHighTo : 0)),
        0};
    std::ranges::copy(record, bytes.subspan(at).begin());
    at += kRecordBytes;
  }
  return at;
}

absl::StatusOr<Schedule> Schedule::Parse(std::string_view text) {
  std::vector<Decision> decisions;
  Reader in(text);
  for (in.SkipBlanks(); !in.AtEnd(); in.SkipBlanks()) {
    static_assert(kSizeMax == 65534);
    if (decisions.size() == kSizeMax) return in.Wanted("at most 65534 decisions");
    Decision d;
    if (absl::Status s = ReadDecision(in, &d); !s.ok()) return s;
    if (!in.AtEnd() && std::isspace(static_cast<unsigned char>(in.Peek())) == 0) {
      return in.Wanted("a blank");
    }
    decisions.push_back(d);
  }
  return Schedule(std::move(decisions)).Canonical();
}

std::string Schedule::ToText() const {
  std::string text;
  for (const Decision& d : decisions_) {
    if (!text.empty()) text += ' ';
    text += shootdown::ToText(d);
  }
  return text;
}

Schedule Schedule::Without(std::size_t i) const {
  std::vector<Decision> rest = decisions_;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
  return Schedule(std::move(rest));
}

Schedule Schedule::Canonical() && {
  std::size_t kept = 0;
  for (const Decision& d : decisions_) {
    // A buffer has no steps that anything could be anchored to.
    if (d.actor.actor_class() != ActorId::Class::kBuffer) decisions_[kept++] = Clean(d);
  }
  decisions_.resize(kept);
  SortByAnchor(decisions_);
  // A step is held once, and its load gives one value. Anything else can happen twice before a step:
  // two interrupts arrive, an entry is evicted, brought back by a handler, and evicted again.
  kept = 0;
  for (const Decision& d : decisions_) {
    bool again = false;
    if (d.kind == Kind::kHold || d.kind == Kind::kOld) {
      for (std::size_t k = kept; k > 0 && SameAnchor(decisions_[k - 1], d); --k) {
        again = again || decisions_[k - 1] == d;
      }
    }
    if (!again) decisions_[kept++] = d;
  }
  decisions_.resize(kept);
  return std::move(*this);
}

std::string ToText(const Decision& d) {
  std::string text = shootdown::ToText(d.actor);
  text.append("@").append(std::to_string(d.index));
  if (d.kind == Kind::kSwitch) {
    text.append(">").append(shootdown::ToText(d.to));
    return d.arg == 0 ? text : text.append("(").append(std::to_string(d.arg)).append(")");
  }
  text += '~';
  text += kWords[static_cast<std::size_t>(d.kind)];
  if (TakesArgument(d.kind)) text.append("(").append(std::to_string(d.arg)).append(")");
  return text;
}

}  // namespace shootdown
