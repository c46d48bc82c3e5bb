#include "sandbox/runtime/kubelet.h"

#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wake.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"
#include "sandbox/runtime/exec_session.h"
#include "sandbox/runtime/log_reader.h"

namespace lateen::sandbox {
namespace {

constexpr int kPodThreads = 4;
constexpr int kProbeThreads = 4;  // an exec probe or a hook holds one for as long as it takes
constexpr Duration kFreezeWait = std::chrono::seconds(30);
constexpr Duration kHostsPause = std::chrono::milliseconds(50);  // many services change together
constexpr Duration kLostPoll = std::chrono::milliseconds(200);   // while the node is cut off
constexpr std::string_view kAllHosts = "hosts";

struct ProbeKey {
  std::string uid;
  std::string container;
  ProbeKind kind = ProbeKind::Readiness;
  int restart = 0;
};

std::optional<ProbeKey> parse_probe_key(std::string_view key) {
  const std::vector<std::string_view> parts = split(key, '/');
  if (parts.size() != 4) return std::nullopt;
  ProbeKey out{.uid = std::string(parts[0]), .container = std::string(parts[1])};
  for (const ProbeKind kind : {ProbeKind::Startup, ProbeKind::Readiness, ProbeKind::Liveness,
                               ProbeKind::PostStart, ProbeKind::PreStop}) {
    if (to_string(kind) == parts[2]) out.kind = kind;
  }
  auto restart = parse_int(parts[3]);
  out.restart = restart ? static_cast<int>(*restart) : 0;
  return out;
}

}  // namespace

// Thaws in its destructor.
class Kubelet::Pause final : public VolumePause {
 public:
  explicit Pause(std::vector<WorkerPtr> workers) : workers_(std::move(workers)) {
    for (const WorkerPtr& worker : workers_)
      worker->pause();
  }

  ~Pause() override {
    for (const WorkerPtr& worker : workers_)
      worker->resume();
  }

  Status wait() const {
    const Deadline deadline = Deadline::after(kFreezeWait);
    for (const WorkerPtr& worker : workers_)
      TRY(worker->wait_frozen(deadline));
    return Status();
  }

 private:
  std::vector<WorkerPtr> workers_;
};

std::optional<std::string> find_missing_namespaces(const std::string& program,
                                                   const FilePath& dir) {
  ContainerSpec spec;
  spec.mode = ContainerMode::Probe;
  spec.scratch = (dir / "probe").string();
  auto made = make_dirs(spec.scratch);
  if (!made) return made.error().message();
  auto process = ContainerProcess::start(program, spec);
  if (!process) return process.error().message();
  const Deadline deadline = Deadline::after(std::chrono::seconds(10));
  std::string problem = "the container process says nothing";
  while (!deadline.expired()) {
    std::array<pollfd, 1> fds{{{process->event_fd(), POLLIN, 0}}};
    if (!poll_until(fds, deadline)) break;
    for (const ContainerEvent& event : process->read_events()) {
      if (event.kind == ContainerEventKind::Exited && event.exit_code == 0) return std::nullopt;
      if (event.kind == ContainerEventKind::Failed) problem = event.message;
      if (event.kind == ContainerEventKind::Ended) return problem;
    }
  }
  return problem;
}

Kubelet::Kubelet(
    Api& api, const Caches& caches, const Clock& clock, Log log, KubeletOptions options)
    : api_(api),
      caches_(caches),
      log_(std::move(log)),
      options_(std::move(options)),
      events_(api, clock, "kubelet"),
      volumes_(options_.dir, *this, clock) {
  context_ = std::make_unique<RuntimeContext>(
      RuntimeContext{.api = api_,
                     .volumes = volumes_,
                     .clock = clock,
                     .log = log_,
                     .events = events_,
                     .addresses = addresses_,
                     .tokens = options_.tokens,
                     .dir = options_.dir,
                     .program = options_.program,
                     .records_only = options_.records_only,
                     .extra_env = options_.extra_env,
                     .images = options_.images,
                     .service_lines =
                         [this](std::string_view ns) {
                           return service_host_lines(caches_.services, caches_.endpoints, ns);
                         },
                     .pods = pods_,
                     .probes = probes_,
                     .watch_fd = [this](int fd, const std::string& uid) { watch_fd(fd, uid); }});
  caches_.pods.subscribe(
      [this](const ObjectPtr& before, const ObjectPtr& now) { pod_changed(before, now); });
  const auto refresh = [this](const ObjectPtr&, const ObjectPtr&) {
    hosts_.add_after(std::string(kAllHosts), kHostsPause);
  };
  caches_.services.subscribe(refresh);
  caches_.endpoints.subscribe(refresh);
}

Kubelet::~Kubelet() {
  stop();
}

Status Kubelet::start() {
  TRY(make_dirs(options_.dir / "pods"));
  TRY(end_leftovers());
  TRY(volumes_.open());
  if (options_.records_only) {
    why_records_only_ = "the sandbox was told to run nothing";
  } else if (auto problem = find_missing_namespaces(options_.program, options_.dir)) {
    why_records_only_ = *problem;
    log_.warning("This machine does not allow containers: pods are records only",
                 {{"error", *problem}});
  }
  context_->records_only = !why_records_only_.empty();
  http_ = TRY(net::HttpClient::open(
      {.tls = {.insecure_skip_verify = true}, .user_agent = "kube-probe/1.32"}));
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return errno_error(errno, "making an epoll");
  for (int i = 0; i < kPodThreads; ++i)
    threads_.emplace_back([this](std::stop_token stop) { sync_pods(std::move(stop)); });
  for (int i = 0; i < kProbeThreads; ++i)
    threads_.emplace_back([this](std::stop_token stop) { run_probes(std::move(stop)); });
  threads_.emplace_back([this](std::stop_token stop) { hear_processes(std::move(stop)); });
  threads_.emplace_back([this](std::stop_token stop) { refresh_hosts(std::move(stop)); });
  return Status();
}

void Kubelet::stop() {
  for (std::jthread& thread : threads_)
    thread.request_stop();
  threads_.clear();
  // Their containers end with them.
  std::map<std::string, WorkerPtr> workers;
  {
    Lock lock(mu_);
    workers.swap(workers_);
  }
}

// What a killed sandbox ran dies with it, but not at the same moment.
Status Kubelet::end_leftovers() const {
  for (const DirEntry& pod : TRY(list_dir(options_.dir / "pods"))) {
    const FilePath containers = options_.dir / "pods" / pod.name / "containers";
    if (!path_exists(containers)) continue;
    for (const DirEntry& container : TRY(list_dir(containers))) {
      TRY(kill_leftover((containers / container.name / "pid").string(), {}));
    }
  }
  return Status();
}

void Kubelet::pod_changed(const ObjectPtr& before, const ObjectPtr& now) {
  const ObjectPtr& pod = now ? now : before;
  // A Node that somebody has added is another name for this machine.
  if (string_at(*pod, "spec.nodeName").empty()) return;
  // A name that is taken over by another pod without a deletion in between: the old one is gone.
  if (before && now && kube::uid_of(*before) != kube::uid_of(*now))
    pods_.add(std::string(kube::uid_of(*before)));
  const std::string uid(kube::uid_of(*pod));
  {
    Lock lock(mu_);
    if (now && !workers_.contains(uid))
      workers_.emplace(uid, std::make_shared<PodWorker>(*context_, *now));
  }
  pods_.add(uid);
}

void Kubelet::sync_pods(std::stop_token stop) {
  while (auto uid = pods_.next(stop)) {
    if (lost_) {
      pods_.add_after(*uid, kLostPoll);
      pods_.done(*uid);
      continue;
    }
    const WorkerPtr worker = find_worker(*uid);
    if (worker) {
      ObjectPtr pod = caches_.pods.find(worker->ns(), worker->name());
      if (pod && kube::uid_of(*pod) != *uid) pod = nullptr;
      const PodWorker::Next next = worker->sync(pod, stop);
      if (next.look_again) pods_.add_after(*uid, *next.look_again);
      if (next.finished) {
        Lock lock(mu_);
        workers_.erase(*uid);
      }
    }
    pods_.done(*uid);
  }
}

void Kubelet::run_probes(std::stop_token stop) {
  while (auto text = probes_.next(stop)) {
    const auto key = parse_probe_key(*text);
    const WorkerPtr worker = key ? find_worker(key->uid) : nullptr;
    if (worker && (worker->is_paused() || lost_)) {
      probes_.add_after(*text, std::chrono::milliseconds(100));
    } else if (auto job = worker ? worker->probe_job(key->container, key->kind, key->restart)
                                 : std::nullopt) {
      ProbeOutcome outcome = run_probe(options_.program, *http_, std::move(*job), stop);
      // What was asked of a container that was then frozen says nothing about it.
      const bool counts = outcome.success || !worker->is_paused();
      std::optional<Duration> again = std::chrono::milliseconds(100);
      if (counts)
        again = worker->take_outcome(key->container, key->kind, key->restart, std::move(outcome));
      if (again) probes_.add_after(*text, *again);
    }
    probes_.done(*text);
  }
}

void Kubelet::set_lost(bool lost) {
  if (lost_.exchange(lost) == lost || lost) return;
  // Others have written to the pods' status meanwhile.
  for (const WorkerPtr& worker : workers())
    worker->publish_again();
}

// In the words of an API server whose connection to a kubelet times out.
Status Kubelet::check_reachable(std::string_view what, const ContainerRef& container) const {
  if (!lost_) return Status();
  return Error(
      Code::Internal,
      "Internal error occurred: error dialing backend: Get \"https://{}:10250/{}/{}/{}/{}\": "
      "dial tcp {}:10250: connect: no route to host",
      kHostIp, what, container.ns, container.pod, container.container, kHostIp);
}

void Kubelet::watch_fd(int fd, const std::string& uid) {
  {
    Lock lock(mu_);
    watched_[fd] = uid;
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return;
  (void)epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void Kubelet::hear_processes(std::stop_token stop) {
  auto stopped = StopFd::create(stop);
  if (!stopped) {
    log_.error("Error waiting for containers", {{"error", stopped.error()}});
    return;
  }
  while (!stop.stop_requested()) {
    std::array<pollfd, 2> fds{{{epoll_.get(), POLLIN, 0}, {(*stopped)->get(), POLLIN, 0}}};
    if (!poll_until(fds, Deadline::never())) return;
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      std::string uid;
      {
        Lock lock(mu_);
        uid = watched_[events[static_cast<std::size_t>(i)].data.fd];
      }
      pods_.add(uid);
    }
  }
}

void Kubelet::refresh_hosts(std::stop_token stop) {
  while (auto key = hosts_.next(stop)) {
    for (const WorkerPtr& worker : workers())
      worker->refresh_hosts();
    hosts_.done(*key);
  }
}

Kubelet::WorkerPtr Kubelet::find_worker(const std::string& uid) const {
  Lock lock(mu_);
  const auto entry = workers_.find(uid);
  return entry == workers_.end() ? nullptr : entry->second;
}

Result<Kubelet::WorkerPtr> Kubelet::find_worker(std::string_view ns, std::string_view name) const {
  const ObjectPtr pod = caches_.pods.find(ns, name);
  WorkerPtr worker = pod ? find_worker(std::string(kube::uid_of(*pod))) : nullptr;
  if (!worker) return Error(Code::NotFound, "pod {}/{} is not on this node", ns, name);
  return worker;
}

std::vector<Kubelet::WorkerPtr> Kubelet::workers() const {
  std::vector<WorkerPtr> out;
  Lock lock(mu_);
  for (const auto& [uid, worker] : workers_)
    out.push_back(worker);
  return out;
}

Result<std::unique_ptr<LogStream>> Kubelet::logs(const ContainerRef& container,
                                                 const LogOptions& options) {
  TRY(check_reachable("containerLogs", container));
  const WorkerPtr worker = TRY(find_worker(container.ns, container.pod));
  const auto view = worker->view(container.container);
  if (!view) {
    return Error(Code::NotFound, "container {} is not valid for pod {}", container.container,
                 container.pod);
  }
  const int restart = options.previous ? view->restart - 1 : view->restart;
  if (restart < 0) {
    return Error(Code::InvalidArgument,
                 "previous terminated container \"{}\" in pod \"{}\" not found",
                 container.container, container.pod);
  }
  const std::string name = container.container;
  return open_log(worker->paths().log(name, restart).string(), options, [worker, name, restart] {
    const auto now = worker->view(name);
    return now && now->restart == restart && now->running;
  });
}

Result<std::unique_ptr<ExecSession>> Kubelet::exec(const ContainerRef& container,
                                                   const ExecOptions& options) {
  TRY(check_reachable("exec", container));
  if (context_->records_only) {
    return Error(Code::Unsupported,
                 "pods are records only on this machine, nothing runs in them: {}",
                 why_records_only_);
  }
  const WorkerPtr worker = TRY(find_worker(container.ns, container.pod));
  const auto view = worker->view(container.container);
  if (!view) {
    return Error(Code::NotFound, "container {} is not valid for pod {}", container.container,
                 container.pod);
  }
  if (!view->running)
    return Error(Code::InvalidArgument, "container not found (\"{}\")", container.container);
  // A snapshot is being cut: what is started now could write in the middle of it.
  const Deadline deadline = Deadline::after(kFreezeWait);
  while (worker->is_paused() && !deadline.expired())
    (void)sleep_unless_stopped(std::chrono::milliseconds(5), {});
  return start_exec(options_.program, *view->spec, options);
}

Result<std::unique_ptr<ExecSession>> Kubelet::attach(const ContainerRef& container,
                                                     const ExecOptions&) {
  return Error(Code::Unsupported,
               "the sandbox does not attach to {}/{}: read its logs, or use exec", container.ns,
               container.pod);
}

Result<int> Kubelet::connect(std::string_view ns, std::string_view pod, std::uint16_t port) {
  TRY(check_reachable("portForward", {.ns = std::string(ns), .pod = std::string(pod)}));
  const WorkerPtr worker = TRY(find_worker(ns, pod));
  // A program listens on its pod's address, or on the whole loopback.
  Error last(Code::Unavailable, "nothing listens on port {} of pod {}/{}", port, ns, pod);
  for (const std::string& host : {worker->pod_ip(), std::string(kHostIp)}) {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return errno_error(errno, "making a socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) continue;
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      return fd.release();
  }
  return last;
}

Result<std::unique_ptr<VolumePause>> Kubelet::pause_users_of(const std::string& volume) {
  std::vector<WorkerPtr> users;
  for (const WorkerPtr& worker : workers()) {
    if (worker->uses_volume(volume)) users.push_back(worker);
  }
  if (lost_ && !users.empty()) {
    return Error(Code::Unavailable,
                 "node {} does not answer: who writes to volume {} cannot be paused", kNodeName,
                 volume);
  }
  auto pause = std::make_unique<Pause>(std::move(users));
  TRY(pause->wait());
  return std::unique_ptr<VolumePause>(std::move(pause));
}

}  // namespace lateen::sandbox
