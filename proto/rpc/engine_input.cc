#include "proto/rpc/engine_input.h"

#include <cstdint>

#include "fuzz/schedule/schedule.h"

namespace shootdown {

std::string EngineInputText(const v1::LeaseResult& result) {
  const std::string& bytes = result.engine_input();
  if (bytes.empty()) return {};
  return Schedule::Decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()})
      .ToText();
}

}  // namespace shootdown
