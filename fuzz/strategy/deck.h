// Cards that are dealt in random order, each of them once before any is dealt again. So what one
// card in n is comes once in n draws, where it would be missing from a third of n draws that know
// nothing of each other.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_DECK_H_
#define SHOOTDOWN_FUZZ_STRATEGY_DECK_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "fuzz/base/prng.h"

namespace shootdown {

template <class Card>
class Deck {
 public:
  // So often among the cards.
  void Add(const Card& card, std::size_t count) {
    cards_.insert(cards_.end(), count, card);
    left_ = cards_.size();
  }
  void Clear() { cards_.clear(); }

  // REQUIRES: there are cards.
  const Card& Deal(Prng& prng) {
    if (left_ == 0) left_ = cards_.size();
    std::swap(cards_[prng.Below(static_cast<std::uint32_t>(left_))], cards_[left_ - 1]);
    return cards_[--left_];
  }

 private:
  std::vector<Card> cards_;
  std::size_t left_ = 0;  // the first ones, which have not been dealt
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_DECK_H_
