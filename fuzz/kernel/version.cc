#include "fuzz/kernel/version.h"

#include <algorithm>

namespace shootdown::kernel {
namespace {

// Built on first use: switches register before main(), in no particular order.
std::vector<VersionSwitch*>& Registry() {
  static std::vector<VersionSwitch*> registry;
  return registry;
}

}  // namespace

VersionSwitch::VersionSwitch(std::string_view name, std::initializer_list<std::string_view> values,
                             std::string_view source, std::string_view needs)
    : name_(name), values_(values), source_(source), needs_(needs) {
  Registry().push_back(this);
}

bool VersionSwitch::Set(std::string_view value) {
  const auto found = std::ranges::find(values_, value);
  if (found == values_.end()) return false;
  value_ = static_cast<int>(found - values_.begin());
  return true;
}

std::string VersionSwitch::ToText() const {
  return std::string(name_) + " = " + std::string(values_[static_cast<std::size_t>(value_)]);
}

std::vector<VersionSwitch*> VersionSwitch::All() {
  std::vector<VersionSwitch*> all = Registry();
  std::ranges::sort(all, {}, &VersionSwitch::name);
  return all;
}

VersionSwitch* VersionSwitch::Find(std::string_view name) {
  for (VersionSwitch* s : Registry()) {
    if (s->name() == name) return s;
  }
  return nullptr;
}

}  // namespace shootdown::kernel
