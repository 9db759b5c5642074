// Lets GoogleTest print a TextPosition.
#ifndef SHOOTDOWN_TESTS_PROTO_PRINT_POSITION_H_
#define SHOOTDOWN_TESTS_PROTO_PRINT_POSITION_H_

#include <ostream>

#include "proto/text_positions.h"

namespace shootdown {

inline void PrintTo(TextPosition p, std::ostream* out) { *out << p.line << ':' << p.column; }

}  // namespace shootdown

#endif  // SHOOTDOWN_TESTS_PROTO_PRINT_POSITION_H_
