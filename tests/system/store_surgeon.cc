// Damages a store from below, for tests of the programs that open it; or only looks into it.
//   store_surgeon FOLDER schema VALUE | drop FAMILY | add FAMILY | spoil ID | list contents
//
// list contents: a line for each failure and input, equal in two stores that hold the same.
#include <cstdio>
#include <string>

#include "fuzz/base/content_hash.h"
#include "tests/fuzz/store/store_testing.h"

int main(int argc, char** argv) {
  using namespace shootdown;
  if (argc != 4) {
    std::fputs("usage: store_surgeon FOLDER schema VALUE | drop FAMILY | add FAMILY | spoil ID |\n"
               "  list contents\n",
               stderr);
    return 2;
  }
  const std::string work = argv[2];
  const std::string word = argv[3];
  if (work == "list") {
    const auto store = Store::Open(argv[1], OpenMode::kReadOnly);
    if (!store.ok()) return 1;
    // Hashes, since inputs are no text.
    for (const std::string& line : Content(**store)) std::puts(ToHex(HashBytes(line)).c_str());
    return 0;
  }
  RawDatabase raw(argv[1]);
  if (work == "schema") {
    raw.Put("meta", "schema", word);
  } else if (work == "drop") {
    raw.DropFamily(word);
  } else if (work == "add") {
    raw.CreateFamily(word);
  } else if (work == "spoil") {
    std::string value = raw.Get("failures", word);
    value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 1);
    raw.Put("failures", word, value);
  } else {
    return 2;
  }
  return 0;
}
