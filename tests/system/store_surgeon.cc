// Damages a store from below, for tests of the programs that open it.
//   store_surgeon FOLDER schema VALUE | drop FAMILY | add FAMILY | spoil ID
#include <cstdio>
#include <string>

#include "tests/fuzz/store/store_testing.h"

int main(int argc, char** argv) {
  using namespace shootdown;
  if (argc != 4) {
    std::fputs("usage: store_surgeon FOLDER schema VALUE | drop FAMILY | add FAMILY | spoil ID\n",
               stderr);
    return 2;
  }
  RawDatabase raw(argv[1]);
  const std::string work = argv[2];
  const std::string word = argv[3];
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
