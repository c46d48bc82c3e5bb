// The node: runs the pods that are assigned to it, and answers for their logs, exec and ports. It
// stands on the Api alone, as kubelet does: what it must do it reads from pods, what it has done it
// writes to their status.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/thread.h"
#include "net/http_client.h"
#include "sandbox/api/pod_runtime.h"
#include "sandbox/object_cache.h"
#include "sandbox/runtime/pod_worker.h"
#include "sandbox/runtime/runtime_context.h"

namespace lateen::sandbox {

struct KubeletOptions {
  FilePath dir;                             // pods, volumes and snapshots are below it
  std::string program = "/proc/self/exe";   // our own binary: how containers are started
  bool records_only = false;                // run nothing even where it could be
  std::vector<std::string> extra_env = {};  // NAME=value of every container
  std::vector<LocalImage> images = {};      // that programs of this machine stand for
  TokenIssuer tokens = {};                  // for projected service account tokens
};

// Why pods are records only here; nothing where they really run.
std::optional<std::string> find_missing_namespaces(const std::string& program, const FilePath& dir);

// Thread-safe.
class Kubelet final : public PodRuntime, public VolumePauser {
 public:
  // The caches must outlive it; it subscribes to `pods`, `services` and `endpoints`, so they must
  // not be started yet.
  struct Caches {
    ObjectCache& pods;
    ObjectCache& services;
    ObjectCache& endpoints;
  };

  Kubelet(Api& api, const Caches& caches, const Clock& clock, Log log, KubeletOptions options);
  ~Kubelet() override;

  // Kills what an earlier sandbox left running, then works until stop(). The volumes are open from
  // here on.
  Status start();

  // Ends all containers; the pods stay as they are in the API, and start again with the next
  // start().
  void stop();

  VolumeStore& volumes() { return volumes_; }

  // Cut off: its pods run on, and it neither hears nor answers nor says anything.
  void set_lost(bool lost);

  // "" when pods really run.
  const std::string& why_records_only() const { return why_records_only_; }

  Result<std::unique_ptr<LogStream>> logs(const ContainerRef& container,
                                          const LogOptions& options) override;
  Result<std::unique_ptr<ExecSession>> exec(const ContainerRef& container,
                                            const ExecOptions& options) override;
  Result<std::unique_ptr<ExecSession>> attach(const ContainerRef& container,
                                              const ExecOptions& options) override;
  Result<int> connect(std::string_view ns, std::string_view pod, std::uint16_t port) override;

  Result<std::unique_ptr<VolumePause>> pause_users_of(const std::string& volume) override;

 private:
  // Shared with whoever is in the middle of asking it something: the pod may go meanwhile.
  using WorkerPtr = std::shared_ptr<PodWorker>;

  class Pause;

  void pod_changed(const ObjectPtr& before, const ObjectPtr& now);
  void sync_pods(std::stop_token stop);
  void run_probes(std::stop_token stop);
  void hear_processes(std::stop_token stop);
  void refresh_hosts(std::stop_token stop);
  void watch_fd(int fd, const std::string& uid);
  Status end_leftovers() const;
  Status check_reachable(std::string_view what, const ContainerRef& container) const;
  WorkerPtr find_worker(const std::string& uid) const;
  Result<WorkerPtr> find_worker(std::string_view ns, std::string_view name) const;
  std::vector<WorkerPtr> workers() const;

  Api& api_;
  const Caches caches_;
  const Log log_;
  const KubeletOptions options_;
  EventRecorder events_;
  PodAddresses addresses_;
  VolumeStore volumes_;
  WorkQueue pods_;
  WorkQueue probes_;
  WorkQueue hosts_;
  std::string why_records_only_;
  std::atomic<bool> lost_ = false;
  std::unique_ptr<RuntimeContext> context_;
  std::unique_ptr<net::HttpClient> http_;
  UniqueFd epoll_;
  mutable Mutex mu_;
  std::map<std::string, WorkerPtr> workers_ LATEEN_GUARDED_BY(mu_);
  std::map<int, std::string> watched_ LATEEN_GUARDED_BY(mu_);
  std::vector<std::jthread> threads_;  // the last member: they use all the others
};

}  // namespace lateen::sandbox
