// Which cluster, as whom: $KUBECONFIG lists, ~/.kube/config, --kubeconfig, --kubecontext, or the
// ServiceAccount of the pod that we run in. Found, merged and checked as kubectl does it; what is
// wrong is said with the file that says it.
//
//   const ClusterConfig cluster = TRY(load_cluster_config({.path = flags.kubeconfig, .context =
//   flags.kubecontext}));
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"

namespace lateen::kube {

// users[].user.exec: a program that prints a credential (`aws eks get-token`).
struct ExecPlugin {
  enum class InteractiveMode { Never, IfAvailable, Always };

  std::string api_version;  // client.authentication.k8s.io/v1 or v1beta1
  std::string command;  // a path is resolved against the kubeconfig's folder; a bare name is looked
                        // up in PATH
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;  // added to ours
  std::string install_hint;
  bool provide_cluster_info = false;
  InteractiveMode interactive_mode = InteractiveMode::IfAvailable;
  Json cluster_extension;  // clusters[].cluster.extensions["client.authentication.k8s.io/exec"],
                           // for provideClusterInfo
};

// Who we are. At most one of the kinds is set in a sane file; bearer tokens win over basic, as in
// client-go.
struct Identity {
  std::string name;  // the users[] entry, for messages
  Secret client_certificate_pem;
  Secret client_key_pem;
  Secret token;
  std::string token_file;  // read again as it changes; wins over `token`
  std::string username;
  Secret password;
  std::string impersonate_user;
  std::vector<std::string> impersonate_groups;
  std::optional<ExecPlugin> exec;
};

// Everything needed to talk to one cluster.
struct ClusterConfig {
  std::string server;  // "https://10.0.0.1:6443", perhaps with a path prefix
  std::string ca_pem;  // empty: the system's roots
  bool insecure_skip_tls_verify = false;
  std::string tls_server_name;  // empty: the host of `server`
  std::string proxy_url;        // empty: the environment's HTTPS_PROXY/NO_PROXY
  bool disable_compression = false;
  Identity identity;
  std::string ns = "default";  // the context's namespace
  std::string context;         // its name; "" in a cluster
  std::string cluster;         // its name
  std::string
      source;  // "the kubeconfig /root/.kube/config" or "the pod's service account": for messages
};

struct KubeconfigOptions {
  std::string path = {};  // --kubeconfig: only this file; empty: $KUBECONFIG, then ~/.kube/config,
                          // then in-cluster
  std::string context = {};  // --kubecontext; empty: current-context
};

// The merged files, before a context is chosen. Immutable.
class Kubeconfig {
 public:
  // The files of `options.path`, or $KUBECONFIG, or ~/.kube/config. The first file to say a thing
  // wins. Missing files of a list are passed over; a missing --kubeconfig, broken YAML or a wrong
  // type is InvalidArgument naming the file.
  static Result<Kubeconfig> load(const KubeconfigOptions& options);

  // A list of files as $KUBECONFIG names it; a missing one is passed over.
  static Result<Kubeconfig> load_list(std::string_view colon_separated);

  // One document, as if read from `file`: for tests and for sandboxes.
  static Result<Kubeconfig> parse(std::string_view yaml, std::string_view file);

  // No file had anything in it.
  bool empty() const;

  const std::string& current_context() const { return current_context_; }

  std::vector<std::string> contexts() const;

  // The context (current-context when empty) with its cluster and user, certificates read from
  // their files.
  Result<ClusterConfig> resolve(std::string_view context = {}) const;

 private:
  struct Entry {
    Json value;        // the cluster, user or context itself
    std::string file;  // which file said it: relative paths start there
  };

  using Entries = std::map<std::string, Entry, std::less<>>;

  static Result<Kubeconfig> load_files(const std::vector<std::string>& files, bool must_exist);
  Status merge(std::string_view yaml, const std::string& file);
  Status fill_cluster(const std::string& name, const Entry& entry, ClusterConfig& out) const;
  static Json exec_extension(const Json& cluster);
  Status merge_entries(const Json& document,
                       const char* list,
                       const char* item,
                       const std::string& file);

  Entries clusters_;
  Entries users_;
  Entries contexts_;
  std::string current_context_;
  std::string current_context_file_;
  std::vector<std::string> files_;  // those read
};

// The pod's own identity: token (read again as kubelet renews it), CA and
// KUBERNETES_SERVICE_HOST/PORT. NotFound outside a pod.
Result<ClusterConfig> in_cluster_config();

// The same from another folder than /var/run/secrets/kubernetes.io/serviceaccount.
Result<ClusterConfig> in_cluster_config(std::string_view folder,
                                        std::string_view host,
                                        std::string_view port);

// What a command does: an explicit path or context, else kubeconfig files, else the pod's identity.
Result<ClusterConfig> load_cluster_config(const KubeconfigOptions& options);

}  // namespace lateen::kube
