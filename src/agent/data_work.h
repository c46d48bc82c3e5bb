// What copying volumes in either direction has in common: taking an object over, telling how far it
// is, and writing how it ended.
#pragma once

#include <stop_token>
#include <string>

#include "agent/agent_metrics.h"
#include "agent/config.h"
#include "agent/settings.h"
#include "agent/work_board.h"
#include "base/thread.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/pod_volumes.h"
#include "repository/engine/progress.h"
#include "server/context.h"
#include "server/volume_repositories.h"
#include "volumes/volume_repository.h"

namespace lateen::agent {

// What the agent's controllers share. All of it outlives them.
struct AgentContext {
  const AgentConfig& config;
  const server::ServerContext& server;
  WorkBoard& board;
  const AgentSettings& settings;
  AgentMetrics& metrics;
  volumes::EngineLimits limits = {};

  kube::Client& client() const { return server.client(); }
};

// kopia's where no type is given. What is kept in the cache is bounded by the BackupRepository's
// settings.
Result<std::unique_ptr<volumes::VolumeRepository>> open_repository(
    const server::ServerContext& server,
    const FilePath& cache_dir,
    server::RepositoryPlace place,
    std::stop_token stop);

model::DataProgress progress_of(const repository::Progress& progress);

// "3 files changed while they were read: …"; empty for none.
std::string unsteady_message(const volumes::SavedVolume& saved);

// Writes the progress of one object every few seconds while it lives.
template <typename T>
class ProgressTeller {
 public:
  // All references outlive it.
  ProgressTeller(const server::ServerContext& server,
                 Duration interval,
                 std::string name,
                 const repository::Progress& progress)
      : server_(server),
        interval_(interval),
        name_(std::move(name)),
        progress_(progress),
        thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

 private:
  void run(std::stop_token stop) {
    model::DataProgress told;
    while (sleep_unless_stopped(interval_, stop)) {
      const model::DataProgress now = progress_of(progress_);
      if (now == told) continue;
      // Best effort: the next round tells more.
      const auto written = server_.cluster.template modify<T>(
          name_, [&now](T& object) { object.status.progress = now; }, stop);
      if (written) told = now;
    }
  }

  const server::ServerContext& server_;
  const Duration interval_;
  const std::string name_;
  const repository::Progress& progress_;
  std::jthread thread_;
};

// Ours from now on, if nobody else has changed it since it was read. Also one that is InProgress
// already: an agent of this node had it and is no more.
template <typename T>
Result<T> take(const AgentContext& context, const T& seen, std::stop_token stop) {
  T mine = seen;
  const TimePoint now = context.server.clock.now();
  mine.status.phase = model::DataPhase::InProgress;
  if (!mine.status.accepted_timestamp) mine.status.accepted_timestamp = now;
  mine.status.start_timestamp = now;
  mine.status.message.clear();
  auto taken = context.server.cluster.update(seen, mine, std::move(stop));
  if (taken) context.metrics.begun(T::kKind.kind);
  return taken;
}

// A DataUpload or DataDownload on its way to a node: we see to it.
template <typename T>
void mark_accepted(const AgentContext& context, T& one) {
  one.status.phase = model::DataPhase::Accepted;
  one.status.accepted_by_node = context.config.node;
  one.status.accepted_timestamp = context.server.clock.now();
  one.status.node.clear();
  one.status.start_timestamp.reset();
  one.metadata.labels[std::string(model::labels::kExposeOnGoing)] = "true";
  one.metadata.add_finalizer(model::finalizers::kDataMovement);
}

template <typename T>
void tell_end(const AgentContext& context, const T& ended) {
  const auto& status = ended.status;
  context.metrics.ended({.kind = T::kKind.kind,
                         .name = ended.metadata.name,
                         .backup = std::string(ended.metadata.label(model::labels::kBackupName)),
                         .end = status.phase == model::DataPhase::Completed  ? WorkEnd::Completed
                                : status.phase == model::DataPhase::Canceled ? WorkEnd::Canceled
                                                                             : WorkEnd::Failed,
                         .took = status.start_timestamp && status.completion_timestamp
                                     ? *status.completion_timestamp - *status.start_timestamp
                                     : Duration()});
}

// Writes how it ended. After a stop that nobody asked for by spec.cancel (the agent is ending)
// nothing is written: whoever comes next begins again.
template <typename T, typename Change>
void finish(const AgentContext& context,
            const std::string& name,
            const Status& done,
            bool stopped,
            Change change) {
  const Log& log = context.server.log;
  if (!done && stopped) {
    const auto now = context.server.cluster.get<T>(name);
    if (!now || !now->spec.cancel) return;
  }
  const auto written = context.server.cluster.modify<T>(name, [&](T& object) {
    if (model::is_terminal(object.status.phase.value())) return;
    object.status.completion_timestamp = context.server.clock.now();
    if (done) {
      object.status.phase = model::DataPhase::Completed;
      change(object);
    } else if (stopped) {
      object.status.phase = model::DataPhase::Canceled;
      object.status.message = "it was canceled";
    } else {
      object.status.phase = model::DataPhase::Failed;
      object.status.message = done.error().describe();
    }
  });
  if (!written && !written.error().is(Code::NotFound)) {
    log.error(fmt::format("Could not write the end of a {}", T::kKind.kind),
              {{"name", name}, {"error", written.error()}});
  }
  if (written) tell_end(context, *written);
  if (done) {
    log.info(fmt::format("{} completed", T::kKind.kind), {{"name", name}});
  } else if (stopped) {
    log.info(fmt::format("{} canceled", T::kKind.kind), {{"name", name}});
  } else {
    log.error(fmt::format("{} failed", T::kKind.kind), {{"name", name}, {"error", done.error()}});
  }
}

// spec.cancel: what runs here is stopped; what nobody has begun ends at once.
template <typename T>
void cancel(const AgentContext& context, const T& object, std::stop_token stop) {
  const std::string& name = object.metadata.name;
  const bool runs = context.board.has(name);
  if (runs && object.status.phase == model::DataPhase::Canceling) return;
  const auto written = context.server.cluster.modify<T>(
      name,
      [&](T& now) {
        if (model::is_terminal(now.status.phase.value())) return;
        now.status.phase = runs ? model::DataPhase::Canceling : model::DataPhase::Canceled;
        if (runs) return;
        // Of one that nobody had accepted there is a snapshot to be removed.
        if constexpr (requires { now.spec.datamover; }) {
          if (!now.metadata.deletion_timestamp)
            now.metadata.add_finalizer(model::finalizers::kDataMovement);
        }
        now.status.message = "it was canceled";
        now.status.completion_timestamp = context.server.clock.now();
      },
      std::move(stop));
  if (written && !runs) tell_end(context, *written);
  if (!written && !written.error().is(Code::NotFound)) {
    context.server.log.warning(fmt::format("Could not cancel a {}", T::kKind.kind),
                               {{"name", name}, {"error", written.error()}});
  }
  if (runs) context.board.stop(name);
}

}  // namespace lateen::agent
