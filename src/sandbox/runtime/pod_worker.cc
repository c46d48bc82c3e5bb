#include "sandbox/runtime/pod_worker.h"

#include <algorithm>

#include <sys/stat.h>

#include "base/text.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"
#include "sandbox/runtime/container_plan.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr Duration kPrepareRetry = std::chrono::seconds(1);
constexpr Duration kConfigRetry = std::chrono::seconds(2);
constexpr int kKeptLogs = 2;  // the present run's and the one before
constexpr std::string_view kFieldManager = "kubelet";

void sooner(std::optional<Duration>& look_again, Duration wait) {
  look_again = look_again ? std::min(*look_again, wait) : wait;
}

Duration grace_of(const Json& pod) {
  return std::chrono::seconds(int_at(pod, "spec.terminationGracePeriodSeconds").value_or(30));
}

bool is_terminal(std::string_view phase) {
  return phase == "Succeeded" || phase == "Failed";
}

}  // namespace

PodWorker::PodWorker(RuntimeContext& context, const Json& pod)
    : context_(context),
      uid_(kube::uid_of(pod)),
      ns_(kube::namespace_of(pod)),
      name_(kube::name_of(pod)),
      paths_(context.dir, uid_),
      record_(new_pod_record(pod)) {
  recover_pod_record(pod, context.clock.now(), record_);
}

std::vector<PodWorker::Slot> PodWorker::slots(const Json& pod) {
  std::vector<Slot> out;
  const auto add = [&](std::string_view field, std::vector<ContainerRecord>& records, bool init) {
    const JsonArray* containers = array_at(pod, field);
    if (containers == nullptr) return;
    for (const Json& container : *containers) {
      for (ContainerRecord& record : records) {
        if (record.name != string_at(container, "name")) continue;
        out.push_back(
            {.spec = container, .record = record, .run = runs_[record.name], .init = init});
      }
    }
  };
  add("spec.initContainers", record_.inits, true);
  add("spec.containers", record_.containers, false);
  return out;
}

PodWorker::Next PodWorker::sync(const ObjectPtr& pod, std::stop_token stop) {
  if (!pod) return clean_up();
  {
    Lock lock(mu_);
    pod_ = pod;
    if (std::exchange(publish_again_, false)) published_.clear();
  }
  hear_events(*pod);
  hear_outcomes(*pod);
  follow_pause(*pod);
  const Next next = kube::is_being_deleted(*pod) ? terminate(*pod) : run(*pod, std::move(stop));
  update_views(*pod);
  for (const auto& [key, wait] : std::exchange(to_ask_, {}))
    context_.probes.add_after(key, wait);
  follow_pause(*pod);
  return next;
}

// Whoever deleted the pod with force has taken its name off: what runs must end at once.
PodWorker::Next PodWorker::clean_up() {
  runs_.clear();
  context_.addresses.release(uid_);
  auto removed = remove_tree(paths_.dir());
  if (!removed) {
    context_.log.warning("Error removing a pod's directory",
                         {{"pod", name_}, {"namespace", ns_}, {"error", removed.error()}});
  }
  {
    Lock lock(mu_);
    views_.clear();
    volume_handles_.clear();
    moving_ = 0;
    pauses_seen_ = pauses_asked_;
    changed_.notify_all();
  }
  return {.finished = true};
}

PodWorker::Next PodWorker::run(const Json& pod, std::stop_token stop) {
  if (context_.records_only) return keep_records(pod);
  if (is_terminal(phase_of(pod, record_))) {
    // A sidecar has nobody left to serve.
    const bool ended = stop_all(pod, Deadline::after(grace_of(pod)));
    publish(pod);
    return ended ? Next{} : Next{.look_again = std::chrono::milliseconds(200)};
  }
  if (!record_.has_sandbox && retry_prepare_.expired()) {
    auto prepared = prepare(pod);
    if (!prepared) {
      retry_prepare_ = Deadline::after(kPrepareRetry);
      context_.events.warning(pod, "FailedMount", prepared.error().message());
    }
  }
  std::optional<Duration> look_again;
  if (record_.has_sandbox) {
    advance(pod, look_again, std::move(stop));
  } else {
    sooner(look_again, kPrepareRetry);
  }
  publish(pod);
  if (is_terminal(phase_of(pod, record_))) context_.pods.add(uid_);
  return {.look_again = look_again};
}

// Nothing runs here, and everything looks as if it did: objects can be backed up and restored,
// programs cannot.
PodWorker::Next PodWorker::keep_records(const Json& pod) {
  if (record_.address.pod_ip.empty() || !record_.start_time) {
    record_.start_time = context_.clock.now();
    record_.address = {.pod_ip = context_.addresses.assign(uid_, record_.address.pod_ip),
                       .host_ip = std::string(kHostIp)};
    context_.events.warning(
        pod, "RecordOnly", "This machine allows no namespaces: the pod is a record, nothing runs.");
  }
  record_.has_sandbox = true;
  for (ContainerRecord& init : record_.inits) {
    init.phase = init.sidecar ? ContainerPhase::Running : ContainerPhase::Terminated;
    init.started = true;
    init.termination.reason = "Completed";
  }
  for (ContainerRecord& container : record_.containers) {
    container.phase = ContainerPhase::Running;
    if (!container.started_at) container.started_at = context_.clock.now();
    container.started = true;
    container.ready = true;
  }
  publish(pod);
  return {};
}

Status PodWorker::prepare(const Json& pod) {
  if (!record_.start_time) record_.start_time = context_.clock.now();
  record_.address = {.pod_ip = context_.addresses.assign(uid_, record_.address.pod_ip),
                     .host_ip = std::string(kHostIp)};
  TRY(make_dirs(paths_.dir() / "etc"));
  PodVolumes volumes(context_.api, context_.volumes, context_.tokens, pod, paths_, record_.address);
  volumes_ = TRY(volumes.prepare());
  const std::string_view hostname =
      string_at(pod, "spec.hostname").empty() ? name_ : string_at(pod, "spec.hostname");
  TRY(write_file(paths_.etc("hostname"), fmt::format("{}\n", hostname)));
  TRY(write_file(paths_.etc("hosts"),
                 hosts_file(pod, record_.address.pod_ip, context_.service_lines(ns_))));
  auto resolver = read_file("/etc/resolv.conf", 1_MiB);
  TRY(write_file(paths_.etc("resolv.conf"), resolver ? *resolver : Bytes()));
  record_.has_sandbox = true;
  Lock lock(mu_);
  pod_ip_ = record_.address.pod_ip;
  for (const auto& [name, volume] : volumes_) {
    if (!volume.handle.empty()) volume_handles_.insert(volume.handle);
  }
  return Status();
}

void PodWorker::advance(const Json& pod,
                        std::optional<Duration>& look_again,
                        std::stop_token stop) {
  for (Slot& slot : slots(pod)) {
    if (slot.init && slot.record.has_initialized()) continue;
    if (!slot.init && !record_.is_initialized()) return;
    advance_container(pod, slot, look_again, stop);
    // Init containers go one after another, and before all others.
    if (slot.init && !slot.record.has_initialized()) {
      const bool others_run = record_.is_initialized();
      if (!others_run) return;
    }
  }
}

void PodWorker::advance_container(const Json& pod,
                                  Slot& slot,
                                  std::optional<Duration>& look_again,
                                  std::stop_token stop) {
  if (slot.run.is_alive()) {
    if (slot.run.stopping) {
      stop_container(pod, slot, *slot.run.kill_at);
      sooner(look_again, std::chrono::milliseconds(200));
    }
    return;
  }
  if (slot.record.phase == ContainerPhase::Terminated) {
    if (!should_restart(string_at(pod, "spec.restartPolicy"), slot.init, slot.record)) return;
    record_restart(slot.run, slot.record, name_);
    if (!slot.run.restart_at.expired()) {
      context_.events.warning(pod, "BackOff",
                              fmt::format("Back-off restarting failed container {} in pod {}",
                                          slot.record.name, name_));
    }
  }
  if (is_paused()) return;  // resume() looks at us again
  if (!slot.run.restart_at.expired()) {
    sooner(look_again, slot.run.restart_at.remaining());
    return;
  }
  auto started = start(pod, slot, std::move(stop));
  if (started) return;
  slot.record.waiting_reason = "CreateContainerConfigError";
  slot.record.waiting_message = started.error().message();
  slot.run.restart_at = Deadline::after(kConfigRetry);
  sooner(look_again, kConfigRetry);
  context_.events.warning(pod, "Failed", fmt::format("Error: {}", started.error().message()));
}

Status PodWorker::start(const Json& pod, Slot& slot, std::stop_token stop) {
  const std::string& name = slot.record.name;
  TRY(make_dirs(paths_.scratch(name)));
  TRY(kill_leftover(paths_.pid_file(name).string(), std::move(stop)));
  TRY(write_file(paths_.termination_log(name), ""));
  if (chmod(paths_.termination_log(name).c_str(), 0666) != 0) return errno_error(errno, name);
  const ContainerPlan plan =
      TRY(plan_container(context_.api, {.pod = pod,
                                        .container = slot.spec,
                                        .paths = paths_,
                                        .volumes = volumes_,
                                        .address = record_.address,
                                        .restart = slot.record.restarts,
                                        .extra_env = context_.extra_env,
                                        .images = context_.images,
                                        .ends = slot.init && !slot.record.sidecar}));
  const FilePath old_log = paths_.log(name, slot.record.restarts - kKeptLogs);
  for (const std::string& file : {old_log.string(), old_log.string() + ".1"}) {
    if (path_exists(file)) TRY(remove_file(file));
  }
  slot.run.process =
      std::make_unique<ContainerProcess>(TRY(ContainerProcess::start(context_.program, plan.spec)));
  slot.run.spec = plan.spec;
  slot.record.waiting_reason = "ContainerCreating";
  slot.record.waiting_message.clear();
  slot.record.container_id = fmt::format("lateen://{}-{}-{}", uid_, name, slot.record.restarts);
  context_.watch_fd(slot.run.process->event_fd(), uid_);
  if (plan.idle) {
    context_.events.warning(
        pod, "NoCommand",
        fmt::format(
            "Container {} gives no command, and the sandbox pulls no images: it does nothing "
            "instead of the entrypoint of {}",
            name, slot.record.image));
  }
  context_.events.normal(pod, "Created", fmt::format("Created container: {}", name));
  return Status();
}

void PodWorker::became_running(const Json& pod, Slot& slot) {
  slot.record.phase = ContainerPhase::Running;
  slot.record.started_at = context_.clock.now();
  context_.events.normal(pod, "Started", fmt::format("Started container {}", slot.record.name));
  slot.run.hook_pending = find(slot.spec, "lifecycle.postStart") != nullptr;
  if (slot.run.hook_pending) {
    ask(slot, ProbeKind::PostStart, Duration::zero());
    return;
  }
  schedule_probes(slot);
}

void PodWorker::ask(const Slot& slot, ProbeKind kind, Duration wait) {
  to_ask_.emplace_back(
      fmt::format("{}/{}/{}/{}", uid_, slot.record.name, to_string(kind), slot.record.restarts),
      wait);
}

// The startup probe alone at first; the others once it has succeeded.
void PodWorker::schedule_probes(const Slot& slot) {
  const auto schedule = [&](std::string_view field, ProbeKind kind) {
    const Json* probe = find(slot.spec, field);
    if (probe == nullptr) return false;
    ask(slot, kind, timing_of(*probe).initial_delay);
    return true;
  };
  if (!slot.record.started && schedule("startupProbe", ProbeKind::Startup)) return;
  slot.record.started = true;
  (void)schedule("livenessProbe", ProbeKind::Liveness);
  if (!schedule("readinessProbe", ProbeKind::Readiness)) slot.record.ready = true;
}

void PodWorker::stop_container(const Json& pod, Slot& slot, Deadline kill_at) {
  ContainerRun& run = slot.run;
  if (!run.is_alive()) return;
  if (!run.stopping) {
    run.stopping = true;
    context_.events.normal(pod, "Killing", fmt::format("Stopping container {}", slot.record.name));
  }
  run.kill_at = run.kill_at ? run.kill_at->earlier_of(kill_at) : kill_at;
  const bool has_hook = find(slot.spec, "lifecycle.preStop") != nullptr &&
                        slot.record.phase == ContainerPhase::Running;
  if (has_hook && !run.pre_stop_asked) {
    run.pre_stop_asked = true;
    ask(slot, ProbeKind::PreStop, Duration::zero());
  }
  if (!run.terminate_sent && (!has_hook || run.pre_stop_done)) {
    run.terminate_sent = true;
    // A command that cannot be sent has nobody to send it to: its end is about to be heard.
    (void)run.process->command(ContainerCommand::Terminate);
  }
  if (run.kill_at->expired()) (void)run.process->command(ContainerCommand::Kill);
}

// Whether all have ended.
bool PodWorker::stop_all(const Json& pod, Deadline kill_at) {
  bool ended = true;
  for (Slot& slot : slots(pod)) {
    if (!slot.run.is_alive()) continue;
    ended = false;
    stop_container(pod, slot, slot.run.kill_at.value_or(kill_at));
  }
  return ended;
}

PodWorker::Next PodWorker::terminate(const Json& pod) {
  const auto deletion = kube::deletion_time_of(pod);
  const Duration grace =
      std::chrono::seconds(int_at(pod, "metadata.deletionGracePeriodSeconds").value_or(30));
  const Duration left =
      deletion ? std::clamp(*deletion - context_.clock.now(), Duration::zero(), grace) : grace;
  if (!stop_all(pod, Deadline::after(left))) {
    for (Slot& slot : slots(pod))
      slot.record.ready = false;
    publish(pod);
    return {.look_again =
                std::min<Duration>(std::max<Duration>(left, std::chrono::milliseconds(20)),
                                   std::chrono::milliseconds(200))};
  }
  for (Slot& slot : slots(pod))
    slot.record.ready = false;
  publish(pod);
  DeleteOptions options = delete_exactly(uid_);
  options.grace_period_seconds = 0;
  auto removed = context_.api.remove(resources::kPods, ns_, name_, options);
  if (!removed && !removed.error().is(Code::NotFound) && !removed.error().is(Code::Conflict)) {
    context_.log.warning("Error removing a pod that has ended",
                         {{"pod", name_}, {"namespace", ns_}, {"error", removed.error()}});
    return {.look_again = kPrepareRetry};
  }
  return {};
}

void PodWorker::publish(const Json& pod) {
  Json bare = JsonObject{{"metadata", JsonObject{{"name", name_}}}, {"spec", *find(pod, "spec")}};
  if (find(pod, "spec.readinessGates") != nullptr)
    bare.as_object()["status"] = *find(pod, "status");
  std::string now_says = write_json(status_of(bare, record_, TimePoint()));
  if (now_says == published_) return;
  update_views(pod);  // who reads that a container runs may exec in it at once
  const TimePoint now = context_.clock.now();
  auto written = context_.api.modify(
      resources::kPods, ns_, name_,
      [&](Json& object) -> Result<bool> {
        if (kube::uid_of(object) != uid_) return false;
        Json status = status_of(object, record_, now);
        if (const Json* before = find(object, "status"); before != nullptr && *before == status)
          return false;
        object.as_object()["status"] = std::move(status);
        return true;
      },
      write_status_as(kFieldManager));
  if (written) {
    published_ = std::move(now_says);
  } else if (!written.error().is(Code::NotFound)) {
    context_.log.warning("Error writing a pod's status",
                         {{"pod", name_}, {"namespace", ns_}, {"error", written.error()}});
    context_.pods.add_after(uid_, kPrepareRetry);
  }
}

}  // namespace lateen::sandbox
