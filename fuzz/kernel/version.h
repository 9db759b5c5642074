// Version switches: where history or the catalogue has several versions of a piece of kernel code,
// an object of this class, standing beside the code that it changes, chooses one of them. A scenario
// sets switches by name; the first value is the default, and is the correct version.
#ifndef SHOOTDOWN_FUZZ_KERNEL_VERSION_H_
#define SHOOTDOWN_FUZZ_KERNEL_VERSION_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace shootdown::kernel {

class VersionSwitch {
 public:
  // Registers itself: defined at namespace scope, once. `source` names the commit or the manual. `needs` is
  // the choice, `sparc64.flush = ipi_trim`, without which values other than the default mean nothing.
  VersionSwitch(std::string_view name, std::initializer_list<std::string_view> values,
                std::string_view source, std::string_view needs = {});

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] const std::vector<std::string_view>& values() const { return values_; }
  [[nodiscard]] std::string_view source() const { return source_; }
  [[nodiscard]] std::string_view needs() const { return needs_; }  // empty: nothing
  // What is chosen, in a scenario's words: `sparc64.flush = no_trim`.
  [[nodiscard]] std::string ToText() const;

  // The chosen value's place in values(): 0 is the default. Read on hot paths.
  [[nodiscard]] int value() const { return value_; }
  // False if there is no such value; then nothing changes.
  bool Set(std::string_view value);
  void Reset() { value_ = 0; }

  // All switches of the program, ascending by name.
  [[nodiscard]] static std::vector<VersionSwitch*> All();
  // Null if there is none of that name.
  [[nodiscard]] static VersionSwitch* Find(std::string_view name);

 private:
  std::string_view name_;
  std::vector<std::string_view> values_;
  std::string_view source_;
  std::string_view needs_;
  int value_ = 0;
};

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_VERSION_H_
