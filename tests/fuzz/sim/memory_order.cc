#include "tests/fuzz/sim/memory_order.h"

#include <map>

namespace shootdown::testing {
namespace {

using sim::MemoryModel;
using Kind = LitmusOp::Kind;

// Bits of a membar's mask: SPARC V9 A.32, table 22 there.
constexpr unsigned kLoadLoad = 1, kStoreLoad = 2, kLoadStore = 4, kStoreStore = 8;

bool Loads(const LitmusOp& op) { return op.kind == Kind::kLoad || op.kind == Kind::kSwap; }
bool Stores(const LitmusOp& op) { return op.kind == Kind::kStore || op.kind == Kind::kSwap; }

// M(X, Y): a membar between them in `thread` orders X before Y.
bool MembarOrders(const LitmusThread& thread, std::size_t x, std::size_t y) {
  unsigned wanted = 0;
  if (Loads(thread[x]) && Loads(thread[y])) wanted |= kLoadLoad;
  if (Stores(thread[x]) && Loads(thread[y])) wanted |= kStoreLoad;
  if (Loads(thread[x]) && Stores(thread[y])) wanted |= kLoadStore;
  if (Stores(thread[x]) && Stores(thread[y])) wanted |= kStoreStore;
  for (std::size_t i = x + 1; i < y; ++i) {
    if (thread[i].kind == Kind::kMembar && (thread[i].mask & wanted) != 0) return true;
  }
  return false;
}

// X <d Y: Y needs X's value, or that of one that does.
bool Depends(const LitmusThread& thread, std::size_t x, std::size_t y) {
  for (int i = thread[y].depends_on; i >= 0; i = thread[static_cast<std::size_t>(i)].depends_on) {
    if (static_cast<std::size_t>(i) == x) return true;
  }
  return false;
}

// The axioms: must X come before Y, which follows it in program order?
bool MustPrecede(const LitmusThread& thread, std::size_t x, std::size_t y, MemoryModel model) {
  if (model == MemoryModel::kSc) return true;
  if (Loads(thread[x]) && Depends(thread, x, y)) return true;
  if (MembarOrders(thread, x, y)) return true;
  if (thread[x].word == thread[y].word && Stores(thread[y])) return true;
  if (model == MemoryModel::kRmo) return false;
  if (Loads(thread[x])) return true;
  if (model == MemoryModel::kPso) return false;
  return Stores(thread[x]) && Stores(thread[y]);
}

class Orders {
 public:
  Orders(const LitmusProgram& program, MemoryModel model) {
    for (std::size_t t = 0; t < program.threads.size(); ++t) {
      const LitmusThread& thread = program.threads[t];
      for (std::size_t i = 0; i < thread.size(); ++i) {
        if (thread[i].kind == Kind::kMembar) continue;
        Event event{.thread = t, .place = i, .op = thread[i], .before = 0};
        for (std::size_t k = 0; k < events_.size(); ++k) {
          if (events_[k].thread == t && MustPrecede(thread, events_[k].place, i, model)) {
            event.before |= 1u << k;
          }
        }
        events_.push_back(event);
      }
    }
    for (const char word : WordsOf(program)) memory_[word] = 0;
    loaded_.resize(events_.size());
  }

  Outcomes All() {
    Place(0);
    return std::move(outcomes_);
  }

 private:
  struct Event {
    std::size_t thread;
    std::size_t place;
    LitmusOp op;
    unsigned before;  // the events that must come first, a bit each
  };

  // The value axiom. An own store that program order, but not memory order, puts before the load is
  // later in memory order than all that are: the last of them counts.
  [[nodiscard]] std::uint64_t ValueOf(std::size_t load, unsigned placed) const {
    const Event& l = events_[load];
    for (std::size_t k = load; k-- > 0;) {
      const Event& s = events_[k];
      if (s.thread != l.thread || !Stores(s.op) || s.op.word != l.op.word) continue;
      if ((placed >> k & 1) == 0) return s.op.value;
    }
    return memory_.at(l.op.word);
  }

  void Place(unsigned placed) {
    if (placed == (1u << events_.size()) - 1) {
      std::string outcome;
      for (std::size_t k = 0; k < events_.size(); ++k) {
        if (Loads(events_[k].op)) outcome += std::to_string(loaded_[k]);
      }
      for (const auto& [word, value] : memory_) {
        outcome += std::string(" ") + word + std::to_string(value);
      }
      outcomes_.insert(outcome);
      return;
    }
    for (std::size_t k = 0; k < events_.size(); ++k) {
      const Event& event = events_[k];
      if ((placed >> k & 1) != 0 || (event.before & ~placed) != 0) continue;
      if (Loads(event.op)) loaded_[k] = ValueOf(k, placed);
      const std::uint64_t old = memory_[event.op.word];
      if (Stores(event.op)) memory_[event.op.word] = event.op.value;
      Place(placed | 1u << k);
      memory_[event.op.word] = old;
    }
  }

  std::vector<Event> events_;
  std::map<char, std::uint64_t> memory_;
  std::vector<std::uint64_t> loaded_;
  Outcomes outcomes_;
};

}  // namespace

Outcomes AllowedOutcomes(const LitmusProgram& program, MemoryModel model) {
  return Orders(program, model).All();
}

std::string WordsOf(const LitmusProgram& program) {
  std::set<char> words;
  for (const LitmusThread& thread : program.threads) {
    for (const LitmusOp& op : thread) {
      if (op.kind != Kind::kMembar) words.insert(op.word);
    }
  }
  return {words.begin(), words.end()};
}

}  // namespace shootdown::testing
