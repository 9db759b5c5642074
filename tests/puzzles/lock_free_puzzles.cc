// Atomics, and store buffers.
#include "tests/puzzles/puzzles.h"

namespace shootdown::puzzles {
namespace {

using namespace program;

// A stack of nodes 1, 2, 3 (0: none) whose head is compared and swapped. One thread takes two nodes and puts
// the first one back, while another believes that nothing changed.
struct Stack {
  Word head{1};        // the node; if fixed, with a count of changes above it
  Word next[4];
  Word in_use[4];
  std::uint64_t mine[2] = {};
};
constexpr std::uint64_t kNode = 7;
template <bool kFixed>
std::uint64_t Changed(std::uint64_t head, std::uint64_t node) {
  return kFixed ? (head & ~kNode) + kNode + 1 + node : node;
}
template <bool kFixed>
std::uint64_t Pop(Stack& s) {
  for (;;) {
    const std::uint64_t head = LOAD(s.head);
    if ((head & kNode) == 0) return 0;
    const std::uint64_t next = LOAD(s.next[head & kNode]);
    if (CAS(s.head, head, Changed<kFixed>(head, next))) {
      REQUIRE(RMW(s.in_use[head & kNode], 1) == 0, "two threads have one node");
      return head & kNode;
    }
  }
}
template <bool kFixed>
void Push(Stack& s, std::uint64_t node) {
  STORE(s.in_use[node], 0);
  for (;;) {
    const std::uint64_t head = LOAD(s.head);
    STORE(s.next[node], head & kNode);
    if (CAS(s.head, head, Changed<kFixed>(head, node))) return;
  }
}
template <bool kFixed>
std::unique_ptr<Program> Aba() {
  Stack start;
  start.next[1].Init(2);
  start.next[2].Init(3);
  return ProgramFrom<Stack>({.name = "aba",
                             .threads = {[](Stack& s) {
                                           (void)Pop<kFixed>(s);
                                           (void)Pop<kFixed>(s);
                                         },
                                         [](Stack& s) {
                                           const std::uint64_t first = Pop<kFixed>(s);
                                           (void)Pop<kFixed>(s);
                                           if (first != 0) Push<kFixed>(s, first);
                                         }},
                             .start = start});
}

// A reference is taken from an object whose last one has just gone.
struct Object {
  Word references{1};
  Word freed;
};
template <bool kFixed>
std::unique_ptr<Program> Resurrected() {
  return ProgramFrom<Object>({.name = "resurrected",
                              .threads = {[](Object& o) {
                                            if (RMW(o.references, old - 1) == 1) STORE(o.freed, 1);
                                          },
                                          [](Object& o) {
                                            if (kFixed) {
                                              if (RMW(o.references, old == 0 ? 0 : old + 1) == 0) return;
                                            } else {
                                              if (LOAD(o.references) == 0) return;
                                              RMW(o.references, old + 1);
                                            }
                                            REQUIRE(LOAD(o.freed) == 0, "used after it was freed");
                                            if (RMW(o.references, old - 1) == 1) STORE(o.freed, 1);
                                          }}});
}

// The owner of a queue takes from one end what a thief takes from the other. Source: Chase, Lev: Dynamic
// Circular Work-Stealing Deque, SPAA 2005; without the fence between storing bottom and loading top both
// can have the last task.
struct Deque {
  Word top;
  Word bottom{2};
  Word task_taken[2];
};
inline void Take(Deque& d, std::uint64_t task) {
  REQUIRE(RMW(d.task_taken[task], old + 1) == 0, "a task is done twice");
}
template <bool kFixed>
std::unique_ptr<Program> WorkStealing() {
  return ProgramFrom<Deque>(
      {.name = "work_stealing",
       .threads = {[](Deque& d) {
                     for (int i = 0; i < 2; ++i) {
                       const std::uint64_t bottom = LOAD(d.bottom) - 1;
                       STORE(d.bottom, bottom);
                       if (kFixed) FENCE();
                       const std::uint64_t top = LOAD(d.top);
                       if (top < bottom) {
                         Take(d, bottom);
                         continue;
                       }
                       if (top == bottom && CAS(d.top, top, top + 1)) Take(d, bottom);
                       STORE(d.bottom, bottom + 1);
                       return;
                     }
                   },
                   [](Deque& d) {
                     for (int i = 0; i < 2; ++i) {
                       const std::uint64_t top = LOAD(d.top);
                       if (top >= LOAD(d.bottom)) return;
                       if (CAS(d.top, top, top + 1)) Take(d, top);
                     }
                   }}});
}

// Peterson's way into a critical section: the own flag must be seen before the other's is looked at.
struct Peterson {
  Word wants[2];
  Word turn;
  Word inside;
};
template <bool kFixed, int kSelf>
void EnterOnce(Peterson& p) {
  constexpr int kOther = 1 - kSelf;
  STORE(p.wants[kSelf], 1);
  STORE(p.turn, kOther);
  if (kFixed) FENCE();
  if (LOAD(p.wants[kOther]) != 0 && LOAD(p.turn) == kOther) {
    STORE(p.wants[kSelf], 0);
    return;  // another time
  }
  REQUIRE(RMW(p.inside, old + 1) == 0, "two in the critical section");
  RMW(p.inside, old - 1);
  STORE(p.wants[kSelf], 0);
}
template <bool kFixed>
std::unique_ptr<Program> PetersonEntry() {
  return ProgramFrom<Peterson>(
      {.name = "peterson_entry", .threads = {&EnterOnce<kFixed, 0>, &EnterOnce<kFixed, 1>}});
}

}  // namespace

void AddLockFreePuzzles(std::vector<Puzzle>& puzzles) {
  puzzles.insert(puzzles.end(),
                 {{"aba", "assertion", &Aba<false>, &Aba<true>},
                  {"resurrected", "assertion", &Resurrected<false>, &Resurrected<true>},
                  {.name = "work_stealing",
                   .violation = "assertion",
                   .buggy = &WorkStealing<false>,
                   .fixed = &WorkStealing<true>,
                   .needs_store_buffer = true},
                  {.name = "peterson_entry",
                   .violation = "assertion",
                   .buggy = &PetersonEntry<false>,
                   .fixed = &PetersonEntry<true>,
                   .needs_store_buffer = true}});
}

}  // namespace shootdown::puzzles
