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

// How often Velero's pods tell their progress, and so are asked for it.
inline constexpr Duration kLookAtEvents = std::chrono::seconds(10);

// Writes the progress of a pod that only tells it by Events, while it lives.
template <typename T>
class EventProgress {
 public:
  // All references outlive it.
  EventProgress(const AgentContext& context, const T& one)
      : context_(context),
        one_(one),
        thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

 private:
  void run(std::stop_token stop) {
    const kube::ListOptions of_it{.field_selector =
                                      fmt::format("involvedObject.uid={}", one_.metadata.uid)};
    while (sleep_unless_stopped(kLookAtEvents, stop)) {
      const auto events = context_.client().list(
          {.gvr = {"", "v1", "events"}, .ns = context_.config.ns}, of_it, stop);
      const auto now = events ? progress_in(*events) : std::nullopt;
      if (!now) continue;
      // Best effort: the next round tells more.
      (void)context_.server.cluster.template modify<T>(
          one_.metadata.name,
          [&now](T& object) {
            if (now->bytes_done > object.status.progress.bytes_done) object.status.progress = *now;
          },
          stop);
    }
  }

  const AgentContext& context_;
  const T& one_;
  std::jthread thread_;
};

// What the pod says at its end; nothing when it was lost.
template <typename T>
Result<std::optional<DataPathResult>> wait_for_result(const AgentContext& context,
                                                      const T& one,
                                                      const Json& pod,
                                                      std::string_view work,
                                                      std::stop_token stop) {
  const EventProgress<T> progress(context, one);
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
