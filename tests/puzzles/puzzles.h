// Classic concurrency bugs as small programs, each with its fixed twin. What searches are measured with,
// and what they must find.
#ifndef SHOOTDOWN_TESTS_PUZZLES_PUZZLES_H_
#define SHOOTDOWN_TESTS_PUZZLES_PUZZLES_H_

#include <memory>
#include <string>
#include <vector>

#include "fuzz/program/program.h"

namespace shootdown::puzzles {

using MakeProgram = std::unique_ptr<program::Program> (*)();

struct Puzzle {
  std::string name;
  std::string violation;  // what is to be found: `assertion`, `deadlock`
  MakeProgram buggy;
  MakeProgram fixed;
  bool needs_store_buffer = false;  // every run under SC is right
};

[[nodiscard]] std::vector<Puzzle> Puzzles();

// By subject; Puzzles() is all of them.
void AddAtomicityPuzzles(std::vector<Puzzle>& puzzles);
void AddLockPuzzles(std::vector<Puzzle>& puzzles);
void AddOrderPuzzles(std::vector<Puzzle>& puzzles);
void AddLockFreePuzzles(std::vector<Puzzle>& puzzles);
void AddWidePuzzles(std::vector<Puzzle>& puzzles);

template <class State>
std::unique_ptr<program::Program> ProgramFrom(typename program::ProgramOf<State>::Parts parts) {
  return std::make_unique<program::ProgramOf<State>>(std::move(parts));
}

}  // namespace shootdown::puzzles

#endif  // SHOOTDOWN_TESTS_PUZZLES_PUZZLES_H_
