#include "sandbox/fault_client.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/yaml.h"
#include "net/http_client.h"
#include "net/url.h"
#include "sandbox/sandbox.h"

namespace lateen::sandbox {

namespace {

constexpr auto kWait = std::chrono::seconds(10);

// The connection of the kubeconfig's administrator.
Result<net::TlsOptions> tls_of(const FilePath& kubeconfig) {
  const Json config = TRY(parse_yaml(TRY(read_file(kubeconfig, 1_MiB))));
  const auto first = [&config](std::string_view list) -> const Json* {
    const JsonArray* const entries = array_at(config, list);
    return entries == nullptr || entries->empty() ? nullptr : &entries->front();
  };
  const auto decoded = [](const Json* value) { return base64_decode(as_text(value)); };
  const Json* const cluster = first("clusters");
  const Json* const user = first("users");
  net::TlsOptions tls;
  tls.ca_pem = TRY(decoded(find(cluster, "cluster.certificate-authority-data")));
  tls.client_certificate_pem = TRY(decoded(find(user, "user.client-certificate-data")));
  tls.client_key_pem = Secret(TRY(decoded(find(user, "user.client-key-data"))));
  return tls;
}

Result<Json> ask(const FilePath& dir,
                 const std::string& method,
                 const std::string& below,
                 Bytes body,
                 std::stop_token stop) {
  const SandboxState state = TRY(find_sandbox(dir));
  if (!state.ready) {
    return Error(Code::NotFound, "no sandbox is running in {}", dir.string())
        .with_hint("Start it with `lateen sandbox start`.");
  }
  net::HttpClientOptions options;
  options.tls = TRY(tls_of(state.kubeconfig).wrap("{}", state.kubeconfig.string()));
  const auto client = TRY(net::HttpClient::open(std::move(options)));
  net::HttpRequest request;
  request.method = method;
  request.url = fmt::format("{}/sandbox/faults{}", state.endpoint, below);
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  request.deadline = Deadline::after(kWait);
  const net::HttpResponse answer = TRY(client->send(request, std::move(stop)));
  Json json = TRY(parse_json(answer.body).wrap("the sandbox's answer"));
  if (answer.ok()) return json;
  return Error(Code::InvalidArgument, "{}", string_at(json, "message"));
}

}  // namespace

Result<std::string> add_fault(const FilePath& dir, const Fault& fault, std::stop_token stop) {
  const Json added = TRY(ask(dir, "POST", "", write_json(to_json(fault)), std::move(stop)));
  return std::string(string_at(added, "name"));
}

Result<std::vector<Json>> list_faults(const FilePath& dir, std::stop_token stop) {
  const Json answer = TRY(ask(dir, "GET", "", {}, std::move(stop)));
  const JsonArray* const faults = array_at(answer, "faults");
  if (faults == nullptr) return std::vector<Json>();
  return std::vector<Json>(faults->begin(), faults->end());
}

Result<std::int64_t> clear_faults(const FilePath& dir,
                                  const std::string& name,
                                  std::stop_token stop) {
  const std::string below = name.empty() ? "" : "/" + net::path_escape(name);
  const Json answer = TRY(ask(dir, "DELETE", below, {}, std::move(stop)));
  return int_at(answer, "cleared").value_or(0);
}

}  // namespace lateen::sandbox
