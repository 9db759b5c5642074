// A site: the place in guest code that takes a step. It is named by its function and by the words
// of the access, never by a line number, so it survives edits elsewhere.
#ifndef SHOOTDOWN_FUZZ_SIM_SITE_H_
#define SHOOTDOWN_FUZZ_SIM_SITE_H_

#include <cstdint>
#include <string>
#include <type_traits>

#include "fuzz/base/hash.h"

namespace shootdown::sim {

// Writes a memory word as people read it.
using FormatFn = std::string (*)(std::uint64_t value);

struct Site {
  const char* function;
  const char* label;
  FormatFn format;
  std::uint32_t hash;  // of function and label
  // What the step does, for people, `*` standing for its value; null: label and value say it. The
  // hash does not know it, so it may be worded anew.
  const char* sentence;

  constexpr Site(const char* function_in, const char* label_in, FormatFn format_in,
                 const char* sentence_in = nullptr)
      : function(function_in),
        label(label_in),
        format(format_in),
        hash(HashName(label_in, HashName(": ", HashName(function_in)))),
        sentence(sentence_in) {}
};

// `function: label`, the name by which a site is stored and found again.
[[nodiscard]] std::string SiteName(const Site& site);

[[nodiscard]] std::string FormatNumber(std::uint64_t value);
[[nodiscard]] std::string FormatObject(std::uint64_t value);  // an encoded pointer
[[nodiscard]] std::string FormatMask(std::uint64_t value);    // {0,2,3}

// How values of type T are shown. Specialize for a type of your own.
template <class T>
struct FormatOf {
  static constexpr FormatFn kFormat = std::is_pointer_v<T> ? &FormatObject : &FormatNumber;
};

}  // namespace shootdown::sim

// The static Site of this very place; `label`, the format and maybe a sentence are constants. Pass
// it on at once: Clang 19 leaves the object empty when a local reference is bound to it.
#define SHOOTDOWN_SITE_AS(label, ...)                                                \
  (*__extension__({                                                                  \
    static constexpr ::shootdown::sim::Site site_here{__func__, label, __VA_ARGS__}; \
    &site_here;                                                                      \
  }))
#define SHOOTDOWN_SITE(label) SHOOTDOWN_SITE_AS(label, &::shootdown::sim::FormatNumber)

// The Site of an access to `cell`, labelled with the words of the expression.
#define SHOOTDOWN_CELL_SITE(cell) \
  SHOOTDOWN_SITE_AS(              \
      #cell,                      \
      ::shootdown::sim::FormatOf<typename std::remove_cvref_t<decltype(cell)>::Value>::kFormat)

#endif  // SHOOTDOWN_FUZZ_SIM_SITE_H_
