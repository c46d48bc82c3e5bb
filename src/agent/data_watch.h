// What an agent hears of a data mover's pod that it watches.
#pragma once

#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

#include "agent/data_path.h"
#include "agent/data_work.h"
#include "base/thread.h"

namespace lateen::agent {

// How long a pod has to hear that its work is canceled.
inline constexpr Duration kHearCancelWithin = std::chrono::seconds(10);

// What the pod says at its end; nothing when it was lost.
template <typename T>
Result<std::optional<DataPathResult>> wait_for_result(const AgentContext& context,
                                                      const T& one,
                                                      const Json& pod,
                                                      std::string_view work,
                                                      std::stop_token stop) {
  auto end = wait_for_end(context.client(), pod, stop);
  if (!end && stop.stop_requested()) {
    // It is canceled, or we are ending and it runs on.
    const auto now = context.server.cluster.template get<T>(one.metadata.name);
    if (!now || !now->spec.cancel) return end.error();
    std::stop_source late;
    const std::jthread clock([&late](std::stop_token own) {
      if (sleep_unless_stopped(kHearCancelWithin, own)) late.request_stop();
    });
    end = wait_for_end(context.client(), pod, late.get_token());
  }
  const std::optional<PodEnd> how = TRY(std::move(end));
  if (!how) return std::optional<DataPathResult>();
  if (how->how == PodEnding::Canceled) return Error(Code::Canceled, "{}", how->message);
  if (how->how == PodEnding::Failed) return Error(Code::Unavailable, "{}", how->message);
  return std::optional(TRY(parse_result(work, how->message)));
}

}  // namespace lateen::agent
