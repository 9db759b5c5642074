#include "fuzz/strategy/shared_words.h"

namespace shootdown {

SharedWords::SharedWords() : words_(sim::kArenaGuestBytes / 8) {}

void SharedWords::Note(int cpu, sim::WordIndex word, sim::StepKind kind) {
  Word& w = words_[word];
  if (w.shared) return;  // and will be
  const auto self = static_cast<std::uint8_t>(cpu + 1);
  if (w.accessed_by == 0) {
    w.accessed_by = self;
  } else if (w.accessed_by != self) {
    w.accessed_by = kMany;
  }
  w.written = w.written || IsWrite(kind);
  if (w.written && w.accessed_by == kMany) NoteShared(word);
}

}  // namespace shootdown
