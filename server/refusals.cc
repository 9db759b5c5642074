#include "server/refusals.h"

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "proto/rpc/line_budget.h"
#include "proto/rpc/log.h"

namespace shootdown::server {
namespace {

namespace hooks = grpc::experimental;

bool IsRefusal(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::INTERNAL:  // bytes that are no message
      return true;
    default:
      return false;
  }
}

// Of all calls together.
class RefusalLog {
 public:
  void Add(hooks::ServerRpcInfo& info, const grpc::Status& status) {
    const std::string method = info.method();
    const std::string code = absl::StatusCodeToString(
        static_cast<absl::StatusCode>(static_cast<int>(status.error_code())));
    std::optional<std::uint64_t> left_out;
    {
      absl::MutexLock lock(&mutex_);
      left_out = budget_.Take(method + code + status.error_message(), absl::Now());
    }
    if (!left_out.has_value()) return;
    LogWarning("call refused",
               {{"method", method},
                {"peer", info.server_context()->peer()},
                {"code", code},
                {"words", status.error_message()},
                {"left_out", std::to_string(*left_out)}});
  }

 private:
  absl::Mutex mutex_;
  LineBudget budget_ ABSL_GUARDED_BY(mutex_);
};

class Interceptor final : public hooks::Interceptor {
 public:
  Interceptor(RefusalLog& log, hooks::ServerRpcInfo& info) : log_(log), info_(info) {}

  void Intercept(hooks::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(hooks::InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      if (IsRefusal(status.error_code())) log_.Add(info_, status);
    }
    methods->Proceed();
  }

 private:
  RefusalLog& log_;
  hooks::ServerRpcInfo& info_;
};

class Factory final : public hooks::ServerInterceptorFactoryInterface {
 public:
  hooks::Interceptor* CreateServerInterceptor(hooks::ServerRpcInfo* info) override {
    return new Interceptor(log_, *info);  // gRPC deletes it with the call
  }

 private:
  RefusalLog log_;
};

}  // namespace

std::unique_ptr<hooks::ServerInterceptorFactoryInterface> MakeRefusalLog() {
  return std::make_unique<Factory>();
}

}  // namespace shootdown::server
