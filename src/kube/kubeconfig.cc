#include "kube/kubeconfig.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"

namespace lateen::kube {
namespace {

constexpr ByteCount kMaxFile = 16_MiB;

FilePath default_kubeconfig() {
  return home_dir() / ".kube" / "config";
}

Error wrong_shape(const std::string& file, std::string_view what) {
  return Error(Code::InvalidArgument, "the kubeconfig {} is not valid: {}", file, what)
      .with_hint(
          "Compare it with the output of `kubectl config view`, or have your provider's "
          "tool write it anew.");
}

// The bytes of `key-data` (base64) or of the file that `key` names; "" when neither is there.
Result<Bytes> data_or_file(const Json& entry, std::string_view key, const std::string& owner_file) {
  const std::string data_key = fmt::format("{}-data", key);
  if (const std::string_view data = as_text(find(entry, JsonKey{data_key})); !data.empty()) {
    auto decoded = base64_decode(data);
    if (!decoded) return wrong_shape(owner_file, fmt::format("{} is not base64", data_key));
    return decoded;
  }
  const std::string_view name = as_text(find(entry, JsonKey{key}));
  if (name.empty()) return Bytes();
  const FilePath path = FilePath(owner_file).parent_path() / FilePath(name);
  return read_file(path, kMaxFile)
      .wrap("reading the {} that the kubeconfig {} names", key, owner_file);
}

std::string text_of(const Json& entry, std::string_view key) {
  return std::string(as_text(find(entry, JsonKey{key})));
}

bool flag_of(const Json& entry, std::string_view key) {
  const Json* value = find(entry, JsonKey{key});
  return value != nullptr && value->is_bool() && value->as_bool();
}

std::string absolute_from(const std::string& file, const std::string& path) {
  if (path.empty()) return path;
  return (FilePath(file).parent_path() / FilePath(path)).string();
}

Result<ExecPlugin::InteractiveMode> parse_interactive_mode(std::string_view word) {
  if (word == "Never") return ExecPlugin::InteractiveMode::Never;
  if (word.empty() || word == "IfAvailable") return ExecPlugin::InteractiveMode::IfAvailable;
  if (word == "Always") return ExecPlugin::InteractiveMode::Always;
  return Error(Code::InvalidArgument,
               "interactiveMode must be Never, IfAvailable or Always, not \"{}\"", word);
}

Result<ExecPlugin> parse_exec(const Json& exec, const std::string& file) {
  ExecPlugin plugin;
  plugin.api_version = text_of(exec, "apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    return Error(Code::Unsupported,
                 "the exec plugin's apiVersion must be client.authentication.k8s.io/v1 or v1beta1, "
                 "not \"{}\"",
                 plugin.api_version)
        .with_hint(
            "Update the tool that wrote the kubeconfig (for EKS: `aws eks "
            "update-kubeconfig` of a current aws-cli).");
  }
  plugin.command = text_of(exec, "command");
  if (plugin.command.empty())
    return Error(Code::InvalidArgument, "the exec plugin names no command");
  // As client-go: only a path with a slash is relative to the file; a bare name is looked up in
  // PATH.
  if (plugin.command.find('/') != std::string::npos) {
    plugin.command = absolute_from(file, plugin.command);
  }
  if (const JsonArray* args = array_at(exec, "args")) {
    for (const Json& arg : *args)
      plugin.args.emplace_back(as_text(&arg));
  }
  if (const JsonArray* variables = array_at(exec, "env")) {
    for (const Json& variable : *variables) {
      plugin.env.emplace_back(text_of(variable, "name"), text_of(variable, "value"));
    }
  }
  plugin.install_hint = text_of(exec, "installHint");
  plugin.provide_cluster_info = flag_of(exec, "provideClusterInfo");
  plugin.interactive_mode = TRY(parse_interactive_mode(string_at(exec, "interactiveMode")));
  return plugin;
}

Result<Identity> parse_identity(std::string name, const Json& user, const std::string& file) {
  Identity identity;
  identity.name = std::move(name);
  identity.client_certificate_pem = Secret(TRY(data_or_file(user, "client-certificate", file)));
  identity.client_key_pem = Secret(TRY(data_or_file(user, "client-key", file)));
  if (identity.client_certificate_pem.empty() != identity.client_key_pem.empty()) {
    return Error(Code::InvalidArgument, "it has a client {} but no client {}",
                 identity.client_key_pem.empty() ? "certificate" : "key",
                 identity.client_key_pem.empty() ? "key" : "certificate");
  }
  identity.token = Secret(text_of(user, "token"));
  identity.token_file = absolute_from(file, text_of(user, "tokenFile"));
  identity.username = text_of(user, "username");
  identity.password = Secret(text_of(user, "password"));
  identity.impersonate_user = text_of(user, "as");
  if (const JsonArray* groups = array_at(user, "as-groups")) {
    for (const Json& group : *groups)
      identity.impersonate_groups.emplace_back(as_text(&group));
  }
  if (const Json* exec = find(user, JsonKey{"exec"}); exec != nullptr && exec->is_object()) {
    identity.exec = TRY(parse_exec(*exec, file));
  }
  if (const Json* provider = find(user, JsonKey{"auth-provider"});
      provider != nullptr && provider->is_object()) {
    return Error(Code::Unsupported,
                 "it uses the auth-provider \"{}\", which Kubernetes has replaced by exec plugins",
                 string_at(*provider, "name"))
        .with_hint(
            "Configure an exec plugin for this user (for GKE: gke-gcloud-auth-plugin; for "
            "OIDC: kubelogin).");
  }
  return identity;
}

}  // namespace

Result<Kubeconfig> Kubeconfig::load(const KubeconfigOptions& options) {
  if (!options.path.empty()) return load_files({options.path}, true);
  const std::string list = env("KUBECONFIG").value_or("");
  if (list.empty()) return load_files({default_kubeconfig().string()}, false);
  return load_list(list);
}

Result<Kubeconfig> Kubeconfig::load_list(std::string_view colon_separated) {
  std::vector<std::string> files;
  for (const std::string_view file : split(colon_separated, ':')) {
    if (!file.empty()) files.emplace_back(file);
  }
  return load_files(files, false);
}

Result<Kubeconfig> Kubeconfig::load_files(const std::vector<std::string>& files, bool must_exist) {
  Kubeconfig merged;
  for (const std::string& file : files) {
    auto text = read_file(file, kMaxFile);
    if (!text && text.error().is(Code::NotFound) && !must_exist) continue;
    if (!text) {
      return std::move(text.error())
          .wrap("reading the kubeconfig {}", file)
          .with_hint("Check --kubeconfig and the KUBECONFIG environment variable.");
    }
    TRY(merged.merge(*text, file));
  }
  return merged;
}

Result<Kubeconfig> Kubeconfig::parse(std::string_view yaml, std::string_view file) {
  Kubeconfig config;
  TRY(config.merge(yaml, std::string(file)));
  return config;
}

Status Kubeconfig::merge(std::string_view yaml, const std::string& file) {
  auto document = parse_yaml(yaml);
  if (!document) return wrong_shape(file, document.error().message());
  files_.push_back(file);
  if (document->is_null()) return {};
  if (!document->is_object()) return wrong_shape(file, "it is not a YAML mapping");
  const std::string_view kind = string_at(*document, "kind");
  if (!kind.empty() && kind != "Config") {
    return wrong_shape(file, fmt::format("its kind is {}, not Config", kind));
  }
  TRY(merge_entries(*document, "clusters", "cluster", file));
  TRY(merge_entries(*document, "users", "user", file));
  TRY(merge_entries(*document, "contexts", "context", file));
  if (current_context_.empty()) {
    current_context_ = string_at(*document, "current-context");
    current_context_file_ = file;
  }
  return {};
}

Status Kubeconfig::merge_entries(const Json& document,
                                 const char* list,
                                 const char* item,
                                 const std::string& file) {
  const Json* found = find(document, JsonKey{list});
  if (found == nullptr || found->is_null()) return {};
  if (!found->is_array()) return wrong_shape(file, fmt::format("{} is not a list", list));
  Entries& entries = item == std::string_view("cluster") ? clusters_
                     : item == std::string_view("user")  ? users_
                                                         : contexts_;
  for (const Json& entry : found->as_array()) {
    const std::string_view name = as_text(find(entry, JsonKey{"name"}));
    if (name.empty()) return wrong_shape(file, fmt::format("an entry of {} has no name", list));
    const Json* value = find(entry, JsonKey{item});
    if (value != nullptr && !value->is_object() && !value->is_null()) {
      return wrong_shape(file, fmt::format("{} \"{}\" is not a mapping", item, name));
    }
    const bool has_value = value != nullptr && value->is_object();
    entries.try_emplace(std::string(name),
                        Entry{.value = has_value ? *value : Json(JsonObject()), .file = file});
  }
  return {};
}

bool Kubeconfig::empty() const {
  return clusters_.empty() && users_.empty() && contexts_.empty() && current_context_.empty();
}

std::vector<std::string> Kubeconfig::contexts() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : contexts_)
    names.push_back(name);
  return names;
}

namespace {

std::string list_of(const std::vector<std::string>& names) {
  return names.empty() ? "It has none." : fmt::format("There are: {}.", fmt::join(names, ", "));
}

template <typename Entries>
std::vector<std::string> names_of(const Entries& entries) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries)
    names.push_back(name);
  return names;
}

}  // namespace

Result<ClusterConfig> Kubeconfig::resolve(std::string_view context) const {
  const std::string files = fmt::format("{}", fmt::join(files_, ":"));
  const std::string wanted(context.empty() ? std::string_view(current_context_) : context);
  if (wanted.empty()) {
    return Error(Code::InvalidArgument, "the kubeconfig {} has no current context", files)
        .with_hint(fmt::format("Choose one with --kubecontext or `kubectl config use-context`. {}",
                               list_of(contexts())));
  }
  const auto chosen = contexts_.find(wanted);
  if (chosen == contexts_.end()) {
    return Error(Code::InvalidArgument, "context \"{}\" does not exist in the kubeconfig {}",
                 wanted, files)
        .with_hint(list_of(contexts()));
  }
  const auto& [context_value, context_file] = chosen->second;
  const std::string cluster_name = text_of(context_value, "cluster");
  const auto cluster = clusters_.find(cluster_name);
  if (cluster == clusters_.end()) {
    return Error(Code::InvalidArgument,
                 "cluster \"{}\", which context \"{}\" of {} uses, does not exist in the "
                 "kubeconfig {}",
                 cluster_name, wanted, context_file, files)
        .with_hint(list_of(names_of(clusters_)));
  }
  ClusterConfig out;
  out.context = wanted;
  out.cluster = cluster_name;
  out.source = fmt::format("the kubeconfig {}", cluster->second.file);
  if (std::string ns = text_of(context_value, "namespace"); !ns.empty()) out.ns = std::move(ns);
  TRY(fill_cluster(cluster_name, cluster->second, out));
  const std::string user_name = text_of(context_value, "user");
  if (user_name.empty()) return out;
  const auto user = users_.find(user_name);
  if (user == users_.end()) {
    return Error(
               Code::InvalidArgument,
               "user \"{}\", which context \"{}\" of {} uses, does not exist in the kubeconfig {}",
               user_name, wanted, context_file, files)
        .with_hint(list_of(names_of(users_)));
  }
  out.identity = TRY(parse_identity(user_name, user->second.value, user->second.file)
                         .wrap("user \"{}\" of the kubeconfig {}", user_name, user->second.file));
  if (out.identity.exec && out.identity.exec->provide_cluster_info) {
    out.identity.exec->cluster_extension = exec_extension(cluster->second.value);
  }
  return out;
}

Status Kubeconfig::fill_cluster(const std::string& name,
                                const Entry& entry,
                                ClusterConfig& out) const {
  const auto& [value, file] = entry;
  out.server = text_of(value, "server");
  if (out.server.empty()) {
    return Error(Code::InvalidArgument, "cluster \"{}\" of the kubeconfig {} has no server", name,
                 file);
  }
  // As client-go: an address without a scheme is plain HTTP.
  if (out.server.find("://") == std::string::npos) out.server = "http://" + out.server;
  while (out.server.ends_with('/'))
    out.server.pop_back();
  out.ca_pem = TRY(data_or_file(value, "certificate-authority", file));
  out.insecure_skip_tls_verify = flag_of(value, "insecure-skip-tls-verify");
  if (out.insecure_skip_tls_verify && !out.ca_pem.empty()) {
    return Error(Code::InvalidArgument,
                 "cluster \"{}\" of the kubeconfig {} has a certificate authority and "
                 "insecure-skip-tls-verify: only one can be meant",
                 name, file)
        .with_hint("Remove insecure-skip-tls-verify.");
  }
  out.tls_server_name = text_of(value, "tls-server-name");
  out.proxy_url = text_of(value, "proxy-url");
  out.disable_compression = flag_of(value, "disable-compression");
  return {};
}

// What the cluster's entry holds for plugins, under the reserved extension name.
Json Kubeconfig::exec_extension(const Json& cluster) {
  const JsonArray* extensions = array_at(cluster, "extensions");
  if (extensions == nullptr) return {};
  for (const Json& extension : *extensions) {
    if (string_at(extension, "name") == "client.authentication.k8s.io/exec") {
      const Json* value = find(extension, JsonKey{"extension"});
      return value == nullptr ? Json() : *value;
    }
  }
  return {};
}

Result<ClusterConfig> load_cluster_config(const KubeconfigOptions& options) {
  const Kubeconfig config = TRY(Kubeconfig::load(options));
  if (!config.empty() || !options.path.empty() || !options.context.empty()) {
    return config.resolve(options.context);
  }
  auto own = in_cluster_config();
  if (own || !own.error().is(Code::NotFound)) return own;
  return Error(Code::InvalidArgument, "no Kubernetes cluster is configured")
      .with_hint(fmt::format(
          "Name a kubeconfig with --kubeconfig or KUBECONFIG, or put one at {}. To try it out "
          "without a cluster: `lateen sandbox start`.",
          default_kubeconfig().string()));
}

}  // namespace lateen::kube
