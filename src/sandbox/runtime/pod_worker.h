// The life of one pod on this node: from its assignment to its removal. sync() looks at what is
// wanted and at what is, takes the next step that does not wait, and says when to look again. It is
// called by one thread at a time (the WorkQueue sees to that); everything else may come from any
// thread at any time.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/thread.h"
#include "sandbox/object_cache.h"
#include "sandbox/runtime/container_run.h"
#include "sandbox/runtime/pod_paths.h"
#include "sandbox/runtime/pod_record.h"
#include "sandbox/runtime/runtime_context.h"

namespace lateen::sandbox {

// A container that others may look into.
struct ContainerView {
  bool running = false;
  int restart = 0;                         // which log is its own
  std::optional<ContainerSpec> spec = {};  // with target_pid and target_start, for exec
};

// Thread-safe, but for sync().
class PodWorker {
 public:
  PodWorker(RuntimeContext& context, const Json& pod);
  PodWorker(const PodWorker&) = delete;
  PodWorker& operator=(const PodWorker&) = delete;

  const std::string& uid() const { return uid_; }

  const std::string& ns() const { return ns_; }

  const std::string& name() const { return name_; }

  const PodPaths& paths() const { return paths_; }

  struct Next {
    bool finished = false;  // the pod is gone and cleaned up after
    std::optional<Duration> look_again = {};
  };

  // `pod` as it is now; null when it is no longer there.
  Next sync(const ObjectPtr& pod, std::stop_token stop);

  // Nothing when there is no such container.
  std::optional<ContainerView> view(std::string_view container) const;
  std::string pod_ip() const;

  // The job of one probe key, while that run of the container is alive; its outcome and when to ask
  // again.
  std::optional<ProbeJob> probe_job(std::string_view container, ProbeKind kind, int restart) const;
  std::optional<Duration> take_outcome(std::string_view container,
                                       ProbeKind kind,
                                       int restart,
                                       ProbeOutcome outcome);

  // ---- For snapshots: pause() makes sync() freeze everything, wait_frozen() waits until it is
  // (DeadlineExceeded if it does not come to be), resume() ends that.
  bool uses_volume(const std::string& handle) const;
  void pause();
  Status wait_frozen(Deadline deadline) const;
  void resume();
  bool is_paused() const;

  // Says again how the pod is, even if nothing has changed here.
  void publish_again();

  // Writes /etc/hosts anew in place, so that running containers see it.
  void refresh_hosts() const;

 private:
  struct Inboxed {
    std::string container;
    ProbeKind kind;
    int restart;
    ProbeOutcome outcome;
  };

  // Both kinds of containers are worked on alike.
  struct Slot {
    const Json& spec;
    ContainerRecord& record;
    ContainerRun& run;
    bool init;
  };

  std::vector<Slot> slots(const Json& pod);

  // ---- What happened
  void hear_events(const Json& pod);
  void hear(const Json& pod, Slot& slot, const ContainerEvent& event);
  void hear_outcomes(const Json& pod);
  void hear_outcome(const Json& pod, Slot& slot, const Inboxed& inboxed);
  void fail_probe(const Json& pod, Slot& slot, const Inboxed& inboxed, int threshold);
  void end_run(const Json& pod, Slot& slot);

  // ---- What to do
  Next clean_up();
  Next terminate(const Json& pod);
  bool stop_all(const Json& pod, Deadline kill_at);
  Next run(const Json& pod, std::stop_token stop);
  Next keep_records(const Json& pod);
  Status prepare(const Json& pod);
  void advance(const Json& pod, std::optional<Duration>& look_again, std::stop_token stop);
  void advance_container(const Json& pod,
                         Slot& slot,
                         std::optional<Duration>& look_again,
                         std::stop_token stop);
  Status start(const Json& pod, Slot& slot, std::stop_token stop);
  void became_running(const Json& pod, Slot& slot);
  void schedule_probes(const Slot& slot);
  void ask(const Slot& slot, ProbeKind kind, Duration wait);
  void stop_container(const Json& pod, Slot& slot, Deadline kill_at);
  void follow_pause(const Json& pod);
  void publish(const Json& pod);
  void update_views(const Json& pod);

  RuntimeContext& context_;
  const std::string uid_;
  const std::string ns_;
  const std::string name_;
  const PodPaths paths_;

  // ---- Of sync() alone
  PodRecord record_;
  std::map<std::string, ContainerRun, std::less<>> runs_;
  PreparedVolumes volumes_;
  std::string published_;  // what the last status said, but for its times
  std::vector<std::pair<std::string, Duration>> to_ask_;  // probes, once others can see what to ask
  Deadline retry_prepare_ = Deadline::after(Duration::zero());

  mutable Mutex mu_;
  mutable Condition changed_;
  std::map<std::string, ContainerView, std::less<>> views_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> volume_handles_ LATEEN_GUARDED_BY(mu_);
  std::vector<Inboxed> inbox_ LATEEN_GUARDED_BY(mu_);
  ObjectPtr pod_ LATEEN_GUARDED_BY(mu_);
  std::string pod_ip_ LATEEN_GUARDED_BY(mu_);
  int pauses_ LATEEN_GUARDED_BY(mu_) = 0;
  std::uint64_t pauses_asked_ LATEEN_GUARDED_BY(mu_) = 0;
  std::uint64_t pauses_seen_ LATEEN_GUARDED_BY(mu_) = 0;  // by sync(): moving_ is of no use before
  std::size_t moving_ LATEEN_GUARDED_BY(mu_) = 0;  // containers that run and are not frozen (yet)
  bool publish_again_ LATEEN_GUARDED_BY(mu_) = false;
  bool freeze_failed_ LATEEN_GUARDED_BY(mu_) = false;
};

}  // namespace lateen::sandbox
