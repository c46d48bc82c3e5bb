#include <fmt/format.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/text.h"
#include "kube/kubeconfig.h"

namespace lateen::kube {
namespace {

constexpr std::string_view kServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr ByteCount kMaxAccountFile = 1_MiB;

bool is_ipv6(std::string_view host) {
  return host.find(':') != std::string_view::npos;
}

}  // namespace

Result<ClusterConfig> in_cluster_config() {
  return in_cluster_config(kServiceAccountFolder, env("KUBERNETES_SERVICE_HOST").value_or(""),
                           env("KUBERNETES_SERVICE_PORT").value_or(""));
}

Result<ClusterConfig> in_cluster_config(std::string_view folder,
                                        std::string_view host,
                                        std::string_view port) {
  if (host.empty() || port.empty()) {
    return Error(Code::NotFound,
                 "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  const FilePath base(folder);
  const std::string token_file = (base / "token").string();
  if (auto token = read_file(token_file, kMaxAccountFile); !token) {
    return std::move(token.error())
        .wrap("reading the pod's service account token")
        .with_hint("Does the pod set automountServiceAccountToken: false?");
  }
  ClusterConfig out;
  out.server = fmt::format("https://{}:{}", is_ipv6(host) ? fmt::format("[{}]", host) : host, port);
  out.ca_pem = TRY(read_file(base / "ca.crt", kMaxAccountFile)
                       .wrap("reading the cluster's certificate authority"));
  out.identity.name = "the pod's service account";
  out.identity.token_file = token_file;
  out.source = "the pod's service account";
  // The network inside a cluster is faster than the API server's gzip.
  out.disable_compression = true;
  if (auto ns = read_file(base / "namespace", kMaxAccountFile); ns && !trim(*ns).empty()) {
    out.ns = trim(*ns);
  }
  return out;
}

}  // namespace lateen::kube
