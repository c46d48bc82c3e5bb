// The sandbox's own process: what is built in which order, and taken down in the other.
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/random.h"
#include "sandbox/api/api_server.h"
#include "sandbox/api/bootstrap.h"
#include "sandbox/api/token_authority.h"
#include "sandbox/api/token_secrets.h"
#include "sandbox/faults/fault_book.h"
#include "sandbox/faults/fault_gate.h"
#include "sandbox/http/audit.h"
#include "sandbox/http/front.h"
#include "sandbox/node.h"
#include "sandbox/sandbox.h"
#include "sandbox/sandbox_files.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {

namespace {

// A process that was killed holds its lock until the kernel has taken it apart, which takes a while
// when it was large.
Result<FileLock> acquire(const SandboxFiles& files, const std::stop_token& stop) {
  constexpr auto kPatience = std::chrono::seconds(2);
  constexpr auto kPause = std::chrono::milliseconds(10);
  const Deadline end = Deadline::after(kPatience);
  while (true) {
    auto lock = FileLock::try_acquire(files.lock());
    const bool taken = !lock && lock.error().is(Code::AlreadyExists);
    if (!taken || end.expired() || !sleep_unless_stopped(kPause, stop)) {
      if (taken)
        return std::move(lock.error())
            .wrap("the sandbox in {} is running already", files.dir().string());
      return lock;
    }
  }
}

// Every connection, every watcher and every stream of a pod is a descriptor: as many as we may.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);  // what we have may do
}

Result<std::unique_ptr<net::HttpServer>> listen(const SandboxOptions& options,
                                                const SandboxFiles& files,
                                                const net::CertificatePair& authority,
                                                const Clock& clock,
                                                Front& front) {
  const net::CertificateRequest names{
      .common_name = "kube-apiserver",
      .dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                    "kubernetes.default.svc.cluster.local"},
      .ip_addresses = {"127.0.0.1", "10.96.0.1"},
      .for_server = true};
  net::CertificatePair own = TRY(net::issue_certificate(authority, names, clock));
  net::HttpServerOptions server;
  server.tls = net::ServerTls{.certificate_pem = std::move(own.certificate_pem),
                              .key_pem = std::move(own.key_pem),
                              .client_ca_pem = authority.certificate_pem};
  server.log = options.log;
  server.port = options.port;
  const auto before = files.read_record();
  // Clients keep working over a restart when the port stays; it may have been taken meanwhile.
  if (server.port == 0 && before && before->port != 0) {
    server.port = before->port;
    auto same = net::HttpServer::start(server, front);
    if (same) return same;
    server.port = 0;
  }
  return net::HttpServer::start(std::move(server), front);
}

Result<std::unique_ptr<FaultBook>> open_faults(const SandboxOptions& options) {
  if (options.faults.empty()) return std::make_unique<FaultBook>();
  const Bytes text = TRY(read_file(options.faults, 1_MiB));
  FaultFile file = TRY(parse_fault_file(text).wrap("{}", options.faults.string()));
  auto book = file.seed ? std::make_unique<FaultBook>(*file.seed) : std::make_unique<FaultBook>();
  for (Fault& fault : file.faults) {
    const FaultPtr added = TRY(book->add(std::move(fault)).wrap("{}", options.faults.string()));
    options.log.info("Fault on request", {{"fault", added->name}});
  }
  return book;
}

Result<std::string> issue(const TokenAuthority& tokens, const TokenRequest& wanted) {
  ServiceAccountToken token{.ns = wanted.ns,
                            .service_account = wanted.service_account,
                            .pod_name = wanted.pod_name,
                            .pod_uid = wanted.pod_uid,
                            .expiration_seconds = wanted.expiration_seconds};
  if (!wanted.audience.empty()) token.audiences.push_back(wanted.audience);
  return TRY(tokens.issue(token)).token;
}

}  // namespace

Status run_sandbox(const SandboxOptions& options, std::stop_token stop) {
  const SandboxFiles files(options.dir);
  TRY(files.create());
  const FileLock lock = TRY(acquire(files, stop));
  raise_descriptor_limit();
  SystemClock clock;
  SystemRng rng;
  const net::CertificatePair authority = TRY(files.certificate_authority(clock));
  const auto store =
      TRY(Store::open({.path = files.state().string()}).wrap("opening the sandbox's store"));
  ApiServer api(*store, clock, rng, options.log);
  const TokenAuthority tokens(TRY(files.token_key(rng)), *store, clock);
  const auto faults = TRY(open_faults(options));
  FaultGate gate(*faults);
  Front front(api, tokens);
  front.set_faults(&gate);
  std::unique_ptr<AuditLog> audit;
  if (!options.audit_log.empty()) audit = TRY(AuditLog::open(options.audit_log, clock, rng));
  front.set_audit(audit.get());
  const auto server = TRY(listen(options, files, authority, clock, front));

  TRY(ensure_initial_objects(api, server->port()));
  Node node(api,
            {.dir = options.dir,
             .ca_pem = authority.certificate_pem,
             .records_only = options.records_only,
             .api_host = "127.0.0.1",
             .api_port = server->port(),
             .faults = faults.get(),
             .tokens = [&tokens](const TokenRequest& wanted) { return issue(tokens, wanted); },
             .images = options.images},
            options.log, clock);
  TRY(node.start());
  TokenSecrets token_secrets(api, *store, tokens, authority.certificate_pem, options.log);
  token_secrets.start();
  const std::string runtime =
      node.why_records_only().empty() ? "processes" : node.why_records_only();
  front.set_pod_runtime(&node.pods());
  TRY(files.write_kubeconfig(authority, server->port(), clock));
  front.set_ready(true);
  const std::uint64_t started = TRY(process_start(getpid()));
  TRY(files.write_record({.pid = getpid(),
                          .started = started,
                          .port = server->port(),
                          .ready = true,
                          .runtime = runtime}));
  options.log.info("Sandbox is ready", {{"url", server->url()}, {"runtime", runtime}});

  while (sleep_unless_stopped(std::chrono::hours(1), stop)) {
  }
  options.log.info("Sandbox is stopping");
  front.set_ready(false);
  // Requests first: nobody may ask a runtime that is going.
  server->stop();
  front.set_pod_runtime(nullptr);
  node.stop();
  return {};
}

}  // namespace lateen::sandbox
