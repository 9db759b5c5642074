// The schedule on which an engine failed, for people.
#ifndef SHOOTDOWN_PROTO_RPC_ENGINE_INPUT_H_
#define SHOOTDOWN_PROTO_RPC_ENGINE_INPUT_H_

#include <string>

#include "shootdown/v1/work.pb.h"

namespace shootdown {

// LeaseResult.engine_input in text form; empty if the engine did not fail, or it is not known.
[[nodiscard]] std::string EngineInputText(const v1::LeaseResult& result);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_ENGINE_INPUT_H_
