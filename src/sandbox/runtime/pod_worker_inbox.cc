// What a PodWorker hears: from its containers' processes, from probes and hooks, and from those who
// pause it.
#include <algorithm>

#include "base/text.h"
#include "kube/object.h"
#include "sandbox/runtime/pod_worker.h"

namespace lateen::sandbox {
namespace {

constexpr ByteCount kMaxTerminationMessage = 4096;
constexpr Duration kHookTimeout = std::chrono::seconds(60);

std::string_view field_of(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::Startup:
      return "startupProbe";
    case ProbeKind::Readiness:
      return "readinessProbe";
    case ProbeKind::Liveness:
      return "livenessProbe";
    case ProbeKind::PostStart:
      return "lifecycle.postStart";
    case ProbeKind::PreStop:
      return "lifecycle.preStop";
  }
  return "";
}

const Json* container_of(const Json& pod, std::string_view name) {
  for (const std::string_view field : {"spec.containers", "spec.initContainers"}) {
    const JsonArray* containers = array_at(pod, field);
    if (containers == nullptr) continue;
    for (const Json& container : *containers) {
      if (string_at(container, "name") == name) return &container;
    }
  }
  return nullptr;
}

}  // namespace

void PodWorker::hear_events(const Json& pod) {
  for (Slot& slot : slots(pod)) {
    if (!slot.run.is_alive()) continue;
    for (const ContainerEvent& event : slot.run.process->read_events()) {
      hear(pod, slot, event);
      if (!slot.run.is_alive()) break;
    }
    if (slot.run.is_alive()) context_.watch_fd(slot.run.process->event_fd(), uid_);
  }
}

void PodWorker::hear(const Json& pod, Slot& slot, const ContainerEvent& event) {
  switch (event.kind) {
    case ContainerEventKind::Pid:
      slot.run.pid = event.pid;
      slot.run.start_time = event.start_time;
      break;
    case ContainerEventKind::Started:
      became_running(pod, slot);
      break;
    case ContainerEventKind::Exited:
      slot.run.exit = event;
      break;
    case ContainerEventKind::Failed:
      slot.run.failure = event.message;
      context_.events.warning(pod, "Failed",
                              fmt::format("Error: failed to start container \"{}\": {}",
                                          slot.record.name, event.message));
      break;
    case ContainerEventKind::Frozen:
      --slot.run.freezes_unanswered;
      slot.run.frozen_wholly = event.complete;
      break;
    case ContainerEventKind::Thawed:
      break;
    case ContainerEventKind::Ended:
      end_run(pod, slot);
      break;
  }
}

void PodWorker::end_run(const Json&, Slot& slot) {
  auto message = read_file(paths_.termination_log(slot.record.name), 1_MiB);
  if (message && message->size() > kMaxTerminationMessage) message->resize(kMaxTerminationMessage);
  record_end(slot.run, slot.record, context_.clock.now(),
             message ? to_valid_utf8(*message) : std::string());
}

void PodWorker::hear_outcomes(const Json& pod) {
  std::vector<Inboxed> inbox;
  {
    Lock lock(mu_);
    inbox.swap(inbox_);
  }
  for (const Inboxed& inboxed : inbox) {
    for (Slot& slot : slots(pod)) {
      const bool meant =
          slot.record.name == inboxed.container && slot.record.restarts == inboxed.restart;
      if (meant && slot.run.is_alive()) hear_outcome(pod, slot, inboxed);
    }
  }
}

void PodWorker::hear_outcome(const Json& pod, Slot& slot, const Inboxed& inboxed) {
  if (inboxed.kind == ProbeKind::PreStop) {
    slot.run.pre_stop_done = true;
    if (!inboxed.outcome.success)
      context_.events.warning(pod, "FailedPreStopHook", inboxed.outcome.message);
    return;
  }
  if (inboxed.kind == ProbeKind::PostStart) {
    slot.run.hook_pending = false;
    if (inboxed.outcome.success) return schedule_probes(slot);
    context_.events.warning(pod, "FailedPostStartHook", inboxed.outcome.message);
    return stop_container(pod, slot,
                          Deadline::after(std::chrono::seconds(
                              int_at(pod, "spec.terminationGracePeriodSeconds").value_or(30))));
  }
  const Json* probe = find(slot.spec, field_of(inboxed.kind));
  if (probe == nullptr) return;
  const ProbeTiming timing = timing_of(*probe);
  ProbeState& state = slot.run.probes[inboxed.kind];
  if (!inboxed.outcome.success) return fail_probe(pod, slot, inboxed, timing.failure_threshold);
  state.failures = 0;
  ++state.successes;
  if (inboxed.kind == ProbeKind::Startup && !slot.record.started) {
    slot.record.started = true;
    schedule_probes(slot);
  }
  if (inboxed.kind == ProbeKind::Readiness && state.successes >= timing.success_threshold)
    slot.record.ready = true;
}

void PodWorker::fail_probe(const Json& pod, Slot& slot, const Inboxed& inboxed, int threshold) {
  ProbeState& state = slot.run.probes[inboxed.kind];
  state.successes = 0;
  ++state.failures;
  context_.events.warning(
      pod, "Unhealthy",
      fmt::format("{} probe failed: {}", to_string(inboxed.kind), inboxed.outcome.message));
  if (state.failures < threshold) return;
  if (inboxed.kind == ProbeKind::Readiness) {
    slot.record.ready = false;
    return;
  }
  context_.events.normal(pod, "Killing",
                         fmt::format("Container {} failed {} probe, will be restarted",
                                     slot.record.name, to_lower(to_string(inboxed.kind))));
  stop_container(pod, slot,
                 Deadline::after(std::chrono::seconds(
                     int_at(pod, "spec.terminationGracePeriodSeconds").value_or(30))));
}

void PodWorker::update_views(const Json& pod) {
  std::map<std::string, ContainerView, std::less<>> views;
  for (const Slot& slot : slots(pod)) {
    ContainerView view{
        .running = slot.record.phase == ContainerPhase::Running && slot.run.is_alive(),
        .restart = slot.record.restarts};
    // Between two runs the log to show is that of the one that has ended.
    const bool between = slot.record.phase == ContainerPhase::Waiting && !slot.run.is_alive() &&
                         slot.record.restarts > 0;
    if (between) --view.restart;
    if (view.running) {
      view.spec = slot.run.spec;
      view.spec->mode = ContainerMode::Exec;
      view.spec->mounts.clear();
      view.spec->target_pid = slot.run.pid;
      view.spec->target_start = slot.run.start_time;
    }
    views[slot.record.name] = std::move(view);
  }
  Lock lock(mu_);
  views_ = std::move(views);
}

std::optional<ContainerView> PodWorker::view(std::string_view container) const {
  Lock lock(mu_);
  const auto entry = views_.find(container);
  if (entry == views_.end()) return std::nullopt;
  return entry->second;
}

std::string PodWorker::pod_ip() const {
  Lock lock(mu_);
  return pod_ip_;
}

std::optional<ProbeJob> PodWorker::probe_job(std::string_view container,
                                             ProbeKind kind,
                                             int restart) const {
  Lock lock(mu_);
  const auto view = views_.find(container);
  if (!pod_ || view == views_.end() || !view->second.running || view->second.restart != restart)
    return std::nullopt;
  const Json* spec = container_of(*pod_, container);
  const Json* action = find(spec, field_of(kind));
  if (action == nullptr) return std::nullopt;
  const bool hook = kind == ProbeKind::PostStart || kind == ProbeKind::PreStop;
  return ProbeJob{.action = *action,
                  .container = *spec,
                  .exec = *view->second.spec,
                  .pod_ip = pod_ip_,
                  .timeout = hook ? kHookTimeout : timing_of(*action).timeout};
}

std::optional<Duration> PodWorker::take_outcome(std::string_view container,
                                                ProbeKind kind,
                                                int restart,
                                                ProbeOutcome outcome) {
  std::optional<Duration> again;
  {
    Lock lock(mu_);
    const Json* probe = pod_ ? find(container_of(*pod_, container), field_of(kind)) : nullptr;
    const bool repeats = kind == ProbeKind::Readiness || kind == ProbeKind::Liveness ||
                         (kind == ProbeKind::Startup && !outcome.success);
    if (probe != nullptr && repeats) again = timing_of(*probe).period;
    inbox_.push_back({.container = std::string(container),
                      .kind = kind,
                      .restart = restart,
                      .outcome = std::move(outcome)});
  }
  context_.pods.add(uid_);
  return again;
}

bool PodWorker::uses_volume(const std::string& handle) const {
  Lock lock(mu_);
  return volume_handles_.contains(handle);
}

bool PodWorker::is_paused() const {
  Lock lock(mu_);
  return pauses_ > 0;
}

void PodWorker::pause() {
  {
    Lock lock(mu_);
    ++pauses_;
    ++pauses_asked_;
  }
  context_.pods.add(uid_);
}

void PodWorker::resume() {
  {
    Lock lock(mu_);
    --pauses_;
  }
  context_.pods.add(uid_);
}

Status PodWorker::wait_frozen(Deadline deadline) const {
  Lock lock(mu_);
  const bool still = changed_.wait(mu_, deadline, {}, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    return pauses_seen_ == pauses_asked_ && moving_ == 0;
  });
  if (!still || freeze_failed_) {
    return Error(Code::DeadlineExceeded, "the processes of pod {}/{} do not stand still", ns_,
                 name_)
        .with_retryable(true);
  }
  return Status();
}

void PodWorker::follow_pause(const Json& pod) {
  bool paused = false;
  std::uint64_t asked = 0;
  {
    Lock lock(mu_);
    paused = pauses_ > 0;
    asked = pauses_asked_;
  }
  std::size_t moving = 0;
  bool failed = false;
  for (Slot& slot : slots(pod)) {
    ContainerRun& run = slot.run;
    if (!run.is_alive()) continue;
    if (paused && !run.freeze_sent) {
      run.freeze_sent = true;
      ++run.freezes_unanswered;
      (void)run.process->command(ContainerCommand::Freeze);
    } else if (!paused && run.freeze_sent) {
      run.freeze_sent = false;
      (void)run.process->command(ContainerCommand::Thaw);
    }
    if (!run.is_frozen()) ++moving;
    if (run.is_frozen() && !run.frozen_wholly) failed = true;
  }
  Lock lock(mu_);
  pauses_seen_ = asked;
  moving_ = moving;
  freeze_failed_ = failed;
  changed_.notify_all();
}

void PodWorker::publish_again() {
  {
    Lock lock(mu_);
    publish_again_ = true;
  }
  context_.pods.add(uid_);
}

void PodWorker::refresh_hosts() const {
  ObjectPtr pod;
  std::string ip;
  {
    Lock lock(mu_);
    pod = pod_;
    ip = pod_ip_;
  }
  if (!pod || ip.empty() || !path_exists(paths_.etc("hosts"))) return;
  const std::string text = hosts_file(*pod, ip, context_.service_lines(ns_));
  auto present = read_file(paths_.etc("hosts"));
  // The same file, not a new one: it is mounted as a file.
  if (!present || *present != text) (void)write_file(paths_.etc("hosts"), text);
}

}  // namespace lateen::sandbox
