#include "tests/puzzles/standard_programs.h"

namespace shootdown::program {
namespace {

// A step of a litmus test, as data.
struct Op {
  enum Kind { kRead, kWrite, kFence } kind;
  int word = 0;
  std::uint64_t value = 0;
};
constexpr Op R(int word) { return {Op::kRead, word}; }
constexpr Op W(int word, std::uint64_t value = 1) { return {Op::kWrite, word, value}; }
constexpr Op F() { return {Op::kFence}; }

Body Thread(int number, std::vector<Op> ops) {
  return [number, ops = std::move(ops)](Standard& s) {
    std::size_t reg = static_cast<std::size_t>(number) * 8;
    for (const Op& op : ops) {
      switch (op.kind) {
        case Op::kRead:
          s.r[reg++] = LOAD(s.x[op.word]);
          break;
        case Op::kWrite:
          STORE(s.x[op.word], op.value);
          break;
        case Op::kFence:
          FENCE();
          break;
      }
    }
  };
}

StandardProgram Litmus(std::string name, const std::vector<std::vector<Op>>& threads) {
  StandardProgram program{.name = std::move(name), .threads = {}};
  int number = 0;
  for (const auto& ops : threads) program.threads.push_back(Thread(number++, ops));
  return program;
}

StandardProgram Same(std::string name, int n, const Body& body) {
  return {.name = std::move(name), .threads = std::vector<Body>(static_cast<std::size_t>(n), body)};
}

std::string Named(const char* name, int n) { return name + std::to_string(n); }

}  // namespace

std::unique_ptr<ProgramOf<Standard>> Make(const StandardProgram& program, MemoryModel model) {
  Standard start;
  start.x[0] = Word(program.start[0]);
  start.x[1] = Word(program.start[1]);
  return std::make_unique<ProgramOf<Standard>>(ProgramOf<Standard>::Parts{
      .name = program.name,
      .threads = program.threads,
      .at_end = program.at_end,
      .machine = {.memory_model = model, .step_count_max = 1000},
      .start = start});
}

std::vector<StandardProgram> LitmusPrograms() {
  constexpr int x = 0, y = 1, z = 2;
  return {
      Litmus("SB", {{W(x), R(y)}, {W(y), R(x)}}),
      Litmus("SbFences", {{W(x), F(), R(y)}, {W(y), F(), R(x)}}),
      Litmus("SbOwnReads", {{W(x), R(x), R(y)}, {W(y), R(y), R(x)}}),
      Litmus("MP", {{W(x), W(y)}, {R(y), R(x)}}),
      Litmus("LB", {{R(x), W(y)}, {R(y), W(x)}}),
      Litmus("S", {{W(x, 2), W(y)}, {R(y), W(x)}}),
      Litmus("R", {{W(x), W(y)}, {W(y, 2), R(x)}}),
      Litmus("TwoPlusTwoW", {{W(x), W(y, 2)}, {W(y), W(x, 2)}}),
      Litmus("CoRR", {{W(x), W(x, 2)}, {R(x), R(x)}}),
      Litmus("TwoWritersAReader", {{W(x)}, {W(x, 2)}, {R(x)}}),
      Litmus("IRIW", {{W(x)}, {W(y)}, {R(x), R(y)}, {R(y), R(x)}}),
      Litmus("WRC", {{W(x)}, {R(x), W(y)}, {R(y), R(x)}}),
      Litmus("ISA2", {{W(x), W(y)}, {R(y), W(z)}, {R(z), R(x)}}),
      Litmus("RWC", {{W(x)}, {R(x), R(y)}, {W(y), R(x)}}),
      Litmus("SbRing", {{W(x), R(y)}, {W(y), R(z)}, {W(z), R(x)}}),
      Litmus("ROWE", {{W(x), R(x)}, {W(x, 2)}}),
      Litmus("Peterson", {{W(x), W(z), R(z), R(y)}, {W(y), W(z, 0), R(z), R(x)}}),
      Litmus("MpFence", {{W(x), F(), W(y)}, {R(y), R(x)}}),
  };
}

StandardProgram Readers(int n) {
  StandardProgram program = Same(Named("Readers", n), n, [](Standard& s) { (void)LOAD(s.x[0]); });
  program.threads.emplace_back([](Standard& s) { STORE(s.x[0], 1); });
  return program;
}

StandardProgram LastZero(int n) {
  StandardProgram program{.name = Named("LastZero", n), .threads = {}};
  program.threads.emplace_back([n](Standard& s) {
    int i = n;
    while (LOAD(s.x[i]) != 0) --i;
  });
  for (int j = 0; j < n; ++j) {
    program.threads.emplace_back([j](Standard& s) { STORE(s.x[j + 1], LOAD(s.x[j]) + 1); });
  }
  return program;
}

StandardProgram Indexer(int n) {
  constexpr std::uint64_t kSize = 128;
  StandardProgram program{.name = Named("Indexer", n), .threads = {}};
  for (int t = 0; t < n; ++t) {
    program.threads.emplace_back([t](Standard& s) {
      for (std::uint64_t m = 1; m <= 4; ++m) {
        const std::uint64_t message = m * 11 + static_cast<std::uint64_t>(t);
        std::uint64_t h = message * 7 % kSize;
        while (!CAS(s.x[h], 0u, message)) h = (h + 1) % kSize;
      }
    });
  }
  return program;
}

StandardProgram Fib(int n) {
  const auto add = [n](int to, int from) {
    return [n, to, from](Standard& s) {
      for (int k = 0; k < n; ++k) {
        const std::uint64_t a = LOAD(s.x[to]);
        s.r[to] = LOAD(s.x[from]);
        STORE(s.x[to], a + s.r[to]);
      }
    };
  };
  return {.name = Named("Fib", n), .threads = {add(0, 1), add(1, 0)}, .start = {1, 1}};
}

StandardProgram FibWithMain(int n) {
  StandardProgram program = Fib(n);
  program.name = Named("FibWithMain", n);
  program.threads.emplace_back([](Standard& s) {
    s.r[0] = LOAD(s.x[0]);
    s.r[1] = LOAD(s.x[1]);
  });
  return program;
}

StandardProgram AtomicInc(int n, int words) {
  return Same(Named("AtomicInc", n) + Named("Words", words), n, [words](Standard& s) {
    for (int w = 0; w < words; ++w) RMW(s.x[w], old + 1);
  });
}

StandardProgram LockInc(int n) {
  return Same(Named("LockInc", n), n, [](Standard& s) {
    LOCK(s.mutex);
    STORE(s.x[0], LOAD(s.x[0]) + 1);
    UNLOCK(s.mutex);
  });
}

StandardProgram TwoLocksInc(int n) {
  return Same(Named("TwoLocksInc", n), n, [](Standard& s) {
    LOCK(s.mutex);
    LOCK(s.inner);
    STORE(s.x[0], LOAD(s.x[0]) + 1);
    UNLOCK(s.inner);
    UNLOCK(s.mutex);
  });
}

StandardProgram Inc(int n) {
  return Same(Named("Inc", n), n, [](Standard& s) { STORE(s.x[0], LOAD(s.x[0]) + 1); });
}

StandardProgram CasRot(int n) {
  StandardProgram program{.name = Named("CasRot", n), .threads = {}};
  for (int i = 1; i <= n; ++i) {
    program.threads.emplace_back([i](Standard& s) {
      const auto to = static_cast<std::uint64_t>(i);
      (void)CAS(s.x[0], to - 1, to);
    });
  }
  return program;
}

StandardProgram WriteCas(int n) {
  StandardProgram program =
      Same(Named("WriteCas", n), n, [](Standard& s) { (void)CAS(s.x[0], 1u, 2u); });
  program.threads.emplace_back([](Standard& s) { STORE(s.x[0], 1); });
  return program;
}

StandardProgram CasWrite(int n) {
  return Same(Named("CasWrite", n), n, [](Standard& s) {
    (void)CAS(s.x[0], 0u, 1u);
    STORE(s.x[0], 2);
  });
}

StandardProgram Wrw(int n) {
  StandardProgram program = Same(Named("Wrw", n), n, [](Standard& s) {
    (void)LOAD(s.x[0]);
    STORE(s.x[0], 2);
  });
  program.threads.emplace_back([](Standard& s) { STORE(s.x[0], 1); });
  return program;
}

StandardProgram CoA(int n) {
  constexpr int x = 0, y = 1, z = 2;
  std::vector<std::vector<Op>> threads(static_cast<std::size_t>(n) - 1, {W(y), W(z)});
  threads.push_back({W(x), R(y), R(x)});
  threads.push_back({W(x, 2), R(z), R(x)});
  return Litmus(Named("CoA", n), threads);
}

StandardProgram RedundantCo(int n) {
  const auto count = static_cast<std::size_t>(n);
  return Litmus(Named("RedundantCo", n),
                {std::vector<Op>(count, W(0)), std::vector<Op>(count, W(0, 2)), {R(0), R(0)}});
}

StandardProgram OptLock(int n) {
  StandardProgram program{.name = Named("OptLock", n), .threads = {}};
  for (const std::uint64_t me : {0u, 1u}) {
    program.threads.emplace_back([n, me](Standard& s) {
      for (int i = 0; i < n; ++i) {
        STORE(s.x[0], me);
        STORE(s.x[1], me);
        if (LOAD(s.x[0]) == me) {
          (void)LOAD(s.x[1]);
          return;
        }
      }
    });
  }
  return program;
}

// Words: the index; n flags that say a thread is started, n that it is done; n places. A flag is stored once,
// so that waiting for it adds no classes.
StandardProgram Sigma(int n) {
  const int started = 1, done = 1 + n, places = 1 + 2 * n;
  StandardProgram program{.name = Named("Sigma", n), .threads = {}};
  for (int t = 0; t < n; ++t) {
    program.threads.emplace_back([=](Standard& s) {
      AWAIT(s.x[started + t], now == 1);
      const auto index = static_cast<int>(LOAD(s.x[0]));
      STORE(s.x[places + index - 1], 1);
      STORE(s.x[done + t], 1);
    });
  }
  program.threads.emplace_back([=](Standard& s) {
    for (int t = 0; t < n; ++t) {
      STORE(s.x[0], LOAD(s.x[0]) + 1);
      STORE(s.x[started + t], 1);
    }
    for (int t = 0; t < n; ++t) AWAIT(s.x[done + t], now == 1);
    for (int t = 0; t < n; ++t) (void)LOAD(s.x[places + t]);
  });
  return program;
}

StandardProgram Big0() {
  constexpr int x = 0, y = 1, z = 2, w = 3;
  return Litmus("Big0", {{R(x), R(y), R(z), R(w), R(x), R(y), R(z)},
                         {R(x), R(y), R(z)},
                         {W(x), W(y), W(x, 2), W(y, 2), W(x, 3), W(y, 3)},
                         {W(z), W(w), W(z, 2), W(w, 2), W(z, 3), W(w, 3)}});
}

StandardProgram Big1() {
  constexpr int x = 0, y = 1, z = 2, w = 3;
  return Litmus("Big1", {{R(x), R(y), R(z), R(w), R(x), R(y), R(z), R(w)},
                         {R(x), R(y), R(z), R(w), R(x), R(y)},
                         {W(x), W(y), W(x, 2), W(y, 2), W(x, 3), W(y, 3)},
                         {W(z), W(w), W(z, 2), W(w, 2), W(z, 3), W(w, 3)}});
}

StandardProgram Big2() {
  constexpr int x = 0, y = 1, z = 2;
  return Litmus("Big2", {{R(x), R(y), R(z), R(x), R(y)},
                         {R(x), R(y), R(z), R(x)},
                         {W(x), W(y), W(z), W(x, 2), W(y, 2), W(z, 2)},
                         {W(x, 3), W(y, 3), W(z, 3), W(x, 4), W(y, 4), W(z, 4)}});
}

}  // namespace shootdown::program
