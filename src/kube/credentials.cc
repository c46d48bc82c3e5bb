#include "kube/credentials.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "base/time.h"

namespace lateen::kube {
namespace {

using std::chrono::seconds;

// kubelet renews a pod's token well before it expires; client-go reads the file once a minute, too.
constexpr seconds kTokenFileAge{60};

// A credential is renewed a little early, so that it is still good when the request arrives.
constexpr seconds kExpiryMargin{10};

constexpr ByteCount kMaxToken = 1_MiB;

Secret bearer(std::string_view token) {
  return Secret(fmt::format("Bearer {}", token));
}

// spec.cluster of what a plugin with provideClusterInfo is told.
Json cluster_info(const ClusterConfig& cluster) {
  if (!cluster.identity.exec || !cluster.identity.exec->provide_cluster_info) return {};
  JsonObject info;
  info["server"] = cluster.server;
  if (!cluster.tls_server_name.empty()) info["tls-server-name"] = cluster.tls_server_name;
  if (cluster.insecure_skip_tls_verify) info["insecure-skip-tls-verify"] = true;
  if (!cluster.ca_pem.empty()) info["certificate-authority-data"] = base64_encode(cluster.ca_pem);
  if (!cluster.proxy_url.empty()) info["proxy-url"] = cluster.proxy_url;
  if (cluster.disable_compression) info["disable-compression"] = true;
  const Json& extension = cluster.identity.exec->cluster_extension;
  info["config"] = extension;
  return info;
}

// KUBERNETES_EXEC_INFO. Plugins are never given our terminal: a backup that runs at night has none.
std::string exec_info(const ExecPlugin& plugin, const Json& cluster) {
  JsonObject spec;
  spec["interactive"] = false;
  if (!cluster.is_null()) spec["cluster"] = cluster;
  JsonObject info;
  info["kind"] = "ExecCredential";
  info["apiVersion"] = plugin.api_version;
  info["spec"] = std::move(spec);
  return write_json_unsorted(info);
}

std::string last_lines(std::string_view text) {
  text = trim(text);
  constexpr std::size_t kMost = 600;
  if (text.size() > kMost) text.remove_prefix(text.size() - kMost);
  return replace_all(to_valid_utf8(text), "\n", " | ");
}

}  // namespace

Credentials::Credentials(const ClusterConfig& cluster, const Clock& clock)
    : identity_(cluster.identity), cluster_info_(cluster_info(cluster)), clock_(clock) {}

bool Credentials::renewable() const {
  return identity_.exec.has_value() || !identity_.token_file.empty();
}

Result<std::optional<Credential>> Credentials::fresh_or_my_turn(Deadline deadline,
                                                                std::stop_token stop) {
  const Lock lock(mu_);
  const bool free = fetched_.wait(mu_, deadline, stop,
                                  [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !fetching_; });
  if (!free) {
    return stop.stop_requested() ? Error(Code::Canceled, "stopped while waiting for a credential")
                                 : Error(Code::DeadlineExceeded,
                                         "no credential for user \"{}\" in time", identity_.name);
  }
  if (cached_.usable && (!cached_.renew_at || clock_.now() < *cached_.renew_at)) {
    return std::optional<Credential>(cached_.credential);
  }
  fetching_ = true;
  return std::optional<Credential>();
}

Result<Credential> Credentials::current(Deadline deadline, std::stop_token stop) {
  std::optional<Credential> fresh = TRY(fresh_or_my_turn(deadline, stop));
  if (fresh) return *std::move(fresh);
  Result<Cached> fetched = fetch(deadline, stop);
  const Lock lock(mu_);
  fetching_ = false;
  fetched_.notify_all();
  if (!fetched) return std::move(fetched).error();
  cached_ = *std::move(fetched);
  cached_.credential.generation = ++generation_;
  cached_.usable = true;
  return cached_.credential;
}

void Credentials::refuse(std::uint64_t generation) {
  const Lock lock(mu_);
  if (generation == cached_.credential.generation && renewable()) cached_.usable = false;
}

Result<Credentials::Cached> Credentials::fetch(Deadline deadline, std::stop_token stop) const {
  if (!identity_.token_file.empty()) return read_token_file();
  if (identity_.exec && identity_.token.empty()) return run_plugin(deadline, stop);
  return constant();
}

Credentials::Cached Credentials::constant() const {
  Cached out;
  out.credential.client_certificate_pem = identity_.client_certificate_pem;
  out.credential.client_key_pem = identity_.client_key_pem;
  if (!identity_.token.empty()) {
    out.credential.authorization = bearer(identity_.token.reveal());
  } else if (!identity_.username.empty()) {
    out.credential.authorization = Secret(fmt::format(
        "Basic {}",
        base64_encode(fmt::format("{}:{}", identity_.username, identity_.password.reveal()))));
  }
  return out;
}

Result<Credentials::Cached> Credentials::read_token_file() const {
  const Bytes text = TRY(read_file(identity_.token_file, kMaxToken)
                             .wrap("reading the token of user \"{}\"", identity_.name));
  const std::string_view token = trim(text);
  if (token.empty()) {
    return Error(Code::Unauthenticated, "the token file {} of user \"{}\" is empty",
                 identity_.token_file, identity_.name);
  }
  Cached out = constant();
  out.credential.authorization = bearer(token);
  out.renew_at = clock_.now() + kTokenFileAge;
  return out;
}

Result<Credentials::Cached> Credentials::run_plugin(Deadline deadline, std::stop_token stop) const {
  const ExecPlugin& plugin = *identity_.exec;
  if (plugin.interactive_mode == ExecPlugin::InteractiveMode::Always) {
    return Error(Code::Unsupported,
                 "the credential plugin {} of user \"{}\" demands a terminal (interactiveMode: "
                 "Always)",
                 plugin.command, identity_.name)
        .with_hint("Set interactiveMode to IfAvailable, or use another user.");
  }
  ProcessSpec spec;
  spec.argv.push_back(plugin.command);
  spec.argv.insert(spec.argv.end(), plugin.args.begin(), plugin.args.end());
  std::vector<std::string> variables;
  for (const auto& [name, value] : plugin.env)
    variables.push_back(fmt::format("{}={}", name, value));
  variables.push_back(fmt::format("KUBERNETES_EXEC_INFO={}", exec_info(plugin, cluster_info_)));
  spec.env = with_variables(environment(), variables);
  spec.max_output = kMaxToken;
  auto ran = run_process(spec, deadline, stop);
  if (!ran) {
    std::string hint = plugin.install_hint;
    if (hint.empty() && ran.error().is(Code::NotFound)) {
      hint = fmt::format("Install {}, or put its folder into PATH.", plugin.command);
    }
    return std::move(ran.error())
        .wrap("getting credentials for user \"{}\" with the plugin {}", identity_.name,
              plugin.command)
        .with_hint(std::move(hint));
  }
  if (!ran->ok()) {
    return Error(Code::Unauthenticated,
                 "getting credentials for user \"{}\": the plugin {} ended with {}: {}",
                 identity_.name, plugin.command, ran->describe_end(), last_lines(ran->err))
        .with_hint(plugin.install_hint);
  }
  ExecAnswer answer = TRY(parse_exec_credential(ran->out, plugin.api_version)
                              .wrap("getting credentials for user \"{}\" with the plugin {}",
                                    identity_.name, plugin.command));
  Cached out;
  out.credential = std::move(answer.credential);
  if (answer.expires) out.renew_at = *answer.expires - kExpiryMargin;
  return out;
}

Result<ExecAnswer> parse_exec_credential(std::string_view output, std::string_view api_version) {
  auto parsed = parse_json(output);
  // What it printed may be a token: it must not be repeated.
  if (!parsed) return Error(Code::Corrupt, "what the plugin printed is not JSON");
  const Json& document = *parsed;
  if (string_at(document, "kind") != "ExecCredential") {
    return Error(Code::Corrupt, "what the plugin printed is not an ExecCredential");
  }
  if (string_at(document, "apiVersion") != api_version) {
    return Error(Code::Corrupt,
                 "exec plugin is configured to use API version {}, plugin returned version {}",
                 api_version, string_at(document, "apiVersion"));
  }
  ExecAnswer answer;
  const std::string_view token = string_at(document, "status.token");
  const std::string_view certificate = string_at(document, "status.clientCertificateData");
  const std::string_view key = string_at(document, "status.clientKeyData");
  if (certificate.empty() != key.empty()) {
    return Error(Code::Corrupt, "the plugin must return a certificate and its key, or neither");
  }
  if (token.empty() && certificate.empty()) {
    return Error(Code::Corrupt, "exec plugin didn't return a token or cert/key pair");
  }
  if (!token.empty()) answer.credential.authorization = bearer(token);
  answer.credential.client_certificate_pem = Secret(std::string(certificate));
  answer.credential.client_key_pem = Secret(std::string(key));
  if (const std::string_view expires = string_at(document, "status.expirationTimestamp");
      !expires.empty()) {
    answer.expires = TRY(parse_rfc3339(expires).wrap("status.expirationTimestamp"));
  }
  return answer;
}

}  // namespace lateen::kube
