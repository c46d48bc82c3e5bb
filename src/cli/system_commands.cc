#include <algorithm>

#include "base/random.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/client_config.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/server_status.h"
#include "cli/session.h"
#include "kube/object.h"
#include "model/crds.h"
#include "model/requests.h"

namespace lateen::cli {
namespace {

// ---- version

// "v1.18.1" is {1, 18}; what is no version is {0, 0}.
std::pair<std::int64_t, std::int64_t> minor_of(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  const std::vector<std::string_view> parts = split(version, '.');
  if (parts.size() < 2) return {};
  return {parse_int(parts[0]).value_or(0), parse_int(parts[1]).value_or(0)};
}

// Which of the two is behind; nothing when they go together. Lateen goes with its own kind, and
// with the Velero whose interfaces it keeps to.
std::string_view outdated_part(std::string_view server_version) {
  const auto server = minor_of(server_version);
  const auto ours = minor_of(server.first == 0 ? kVersion : kVeleroVersion);
  if (server == ours) return {};
  return ours > server ? "server" : "client";
}

Result<int> version(Invocation& call) {
  call.console.out(fmt::format("Client:\n\tVersion: {}\n\tGit commit: -\n", kVersion));
  call.console.out(fmt::format("\tCompatible with: Velero {}\n", kVeleroVersion));
  if (call.flags.is("client-only")) return 0;
  auto server = [&]() -> Result<std::string> {
    const Session session = TRY(open_session(call));
    return TRY(ask_server_status(session, call.flags.duration("timeout"), call.stop))
        .status.server_version;
  }();
  if (!server) {
    call.console.line(fmt::format("<error getting server version: {}>", server.error().message()));
    return 0;
  }
  call.console.out(fmt::format("Server:\n\tVersion: {}\n", *server));
  if (const std::string_view outdated = outdated_part(*server); !outdated.empty()) {
    call.console.line(fmt::format(
        "# WARNING: the client version does not match the server version. Please update {}",
        outdated));
  }
  return 0;
}

// ---- client config

Result<int> get_config(Invocation& call) {
  const model::StringMap config = TRY(read_client_config());
  if (call.args.empty()) {
    for (const auto& [key, value] : config)
      call.console.line(fmt::format("{}: {}", key, value));
    return 0;
  }
  for (const std::string& key : call.args) {
    const auto at = config.find(key);
    call.console.line(fmt::format("{}: {}", key, at == config.end() ? "<NOT SET>" : at->second));
  }
  return 0;
}

Result<int> set_config(Invocation& call) {
  if (call.args.empty())
    return Error(Code::InvalidArgument, "at least one KEY=VALUE argument is required");
  model::StringMap config = TRY(read_client_config());
  for (const std::string& pair : call.args) {
    if (std::count(pair.begin(), pair.end(), '=') != 1) {
      call.console.err(fmt::format("WARNING: invalid KEY=VALUE: {}\n", quote_go(pair)));
      continue;
    }
    const Cut parts = cut(pair, "=");
    if (parts.after.empty()) {
      config.erase(std::string(parts.before));
    } else {
      config[std::string(parts.before)] = parts.after;
    }
  }
  TRY(write_client_config(config));
  return 0;
}

// ---- install --crds-only

const kube::GroupVersionResource kDefinitions{"apiextensions.k8s.io", "v1",
                                              "customresourcedefinitions"};

Status install_one(kube::Client& client, const Json& crd, Invocation& call) {
  const std::string name(kube::name_of(crd));
  const std::string label = fmt::format("CustomResourceDefinition/{}", name);
  call.console.line(fmt::format("{}: attempting to create resource", label));
  auto created = client.create({.gvr = kDefinitions}, crd, {}, call.stop);
  if (created) {
    call.console.line(fmt::format("{}: created", label));
    return {};
  }
  if (!created.error().is(Code::AlreadyExists)) return std::move(created).error().wrap("{}", label);
  // One of an older version may lack fields that we write: brought up to ours.
  const Json there = TRY(client.get({.gvr = kDefinitions, .name = name}, {}, call.stop));
  Json wanted = there;
  ensure(wanted, "spec.versions") = *find(crd, "spec.versions");
  if (wanted == there) {
    call.console.line(fmt::format("{}: already exists, proceeding", label));
    return {};
  }
  TRY(client.update({.gvr = kDefinitions, .name = name}, wanted, {}, call.stop).wrap("{}", label));
  call.console.line(fmt::format("{}: already exists, updated", label));
  return {};
}

Status wait_established(kube::Client& client, const std::vector<Json>& crds, std::stop_token stop) {
  const Deadline deadline = Deadline::after(std::chrono::minutes(1));
  for (const Json& crd : crds) {
    while (true) {
      const Json now =
          TRY(client.get({.gvr = kDefinitions, .name = std::string(kube::name_of(crd))}, {}, stop));
      if (kube::is_condition_true(now, "Established")) break;
      if (deadline.expired())
        return Error(Code::DeadlineExceeded, "timeout reached, CRDs not ready");
      if (!sleep_unless_stopped(std::chrono::milliseconds(100), stop)) {
        return Error(Code::Canceled, "interrupted");
      }
    }
  }
  return {};
}

Result<int> install(Invocation& call) {
  if (!call.flags.is("crds-only")) {
    return Error(Code::Unsupported, "this version installs only the custom resource definitions")
        .with_hint(fmt::format(
            "Run `{} install --crds-only`, and then `{} server` where it can reach the cluster.",
            call.program, call.program));
  }
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  if (format == OutputFormat::Table) {
    return Error(Code::InvalidArgument, "'table' format is not supported with 'install' command");
  }
  std::vector<Json> crds = model::crd_manifests();
  // Lateen's own kinds. A program that is called velero installs what Velero does.
  if (!call.is_velero()) {
    for (Json& own : model::own_crd_manifests())
      crds.push_back(std::move(own));
  }
  for (Json& crd : crds)
    kube::set_label(crd, "component", "velero");
  if (format != OutputFormat::None)
    call.console.out(print_documents(crds, "v1", "", format, false));
  if (call.flags.is("dry-run")) return 0;
  const Session session = TRY(open_session(call));
  for (const Json& crd : crds)
    TRY(install_one(*session.client, crd, call));
  call.console.line("Waiting for resources to be ready in cluster...");
  TRY(wait_established(*session.client, crds, call.stop));
  call.console.line(
      fmt::format("The custom resource definitions of {} are installed.", model::kGroup));
  return 0;
}

}  // namespace

Command version_command() {
  return {.name = "version",
          .usage = "",
          .summary = "Print the velero version and associated image",
          .flags =
              {{.name = "client-only",
                .kind = FlagKind::Bool,
                .usage = "Only get velero client version, not server version"},
               {.name = "timeout",
                .kind = FlagKind::Duration,
                .usage =
                    "Maximum time to wait for server version to be reported. Default is 5 seconds.",
                .value = "5s"}},
          .run = version,
          .max_args = 0};
}

Command client_commands() {
  return {.name = "client",
          .usage = "",
          .summary = "Velero client related commands",
          .children = {{.name = "config",
                        .usage = "",
                        .summary = "Get and set client configuration file values",
                        .children = {{.name = "get",
                                      .usage = "[KEY 1] [KEY 2] [...]",
                                      .summary = "Get client configuration file values",
                                      .run = get_config,
                                      .words = {"namespace", "features", "cacert", "colorized"}},
                                     {.name = "set",
                                      .usage = "KEY=VALUE [KEY=VALUE]...",
                                      .summary = "Set client configuration file values",
                                      .run = set_config}}}}};
}

Command install_command() {
  std::vector<FlagSpec> flags = output_flags("");
  flags.push_back({.name = "crds-only",
                   .kind = FlagKind::Bool,
                   .usage = "Only generate CustomResourceDefinition resources. Useful for updating "
                            "CRDs for an existing Velero install."});
  flags.push_back(
      {.name = "dry-run",
       .kind = FlagKind::Bool,
       .usage = "Generate resources, but don't send them to the cluster. Use with -o. Optional."});
  return {.name = "install",
          .usage = "",
          .summary = "Install the custom resource definitions",
          .flags = flags,
          .run = install,
          .max_args = 0};
}

}  // namespace lateen::cli
