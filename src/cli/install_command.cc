// `install`: Lateen where Velero would be.
#include "base/text.h"
#include "cli/commands.h"
#include "cli/install_apply.h"
#include "cli/install_check.h"
#include "cli/install_objects.h"
#include "cli/install_options.h"
#include "cli/output.h"
#include "cli/server_status.h"
#include "cli/session.h"
#include "kube/object.h"
#include "model/names.h"

namespace lateen::cli {
namespace {

constexpr Duration kAnswerWait = std::chrono::seconds(30);

std::string_view shown_program(const Invocation& call) {
  return call.is_velero() ? "Velero" : "Lateen";
}

// What to do about an error, which the kubelet and the server know more of.
Error installing_failed(Error error, const std::string& ns, const Invocation& call) {
  std::string hint = error.hint();
  if (!hint.empty()) hint += "\n  ";
  hint += fmt::format("Use `kubectl logs deploy/velero -n {}` to check the deploy logs.", ns);
  return std::move(error).wrap("Error installing {}", shown_program(call)).with_hint(hint);
}

// A ConfigMap that a flag names must be there and hold documents that can be read.
Status check_config_map(const InstallWork& work,
                        const std::string& ns,
                        const Flags& flags,
                        const char* flag) {
  const std::string name = flags.text(flag);
  if (name.empty()) return {};
  const auto map =
      work.client.get({.gvr = {"", "v1", "configmaps"}, .ns = ns, .name = name}, {}, work.stop);
  const auto refuse = [&](std::string_view why) {
    return Error(Code::InvalidArgument, "--{} specified ConfigMap {} is invalid: {}", flag, name,
                 why);
  };
  if (!map) return refuse(map.error().message());
  const JsonObject* data = object_at(*map, "data");
  if (data == nullptr) return refuse(fmt::format("data is not available in ConfigMap {}", name));
  for (const auto& [key, value] : *data) {
    const auto parsed = parse_json(as_text(&value));
    if (!parsed)
      return refuse(fmt::format("{}: {}", std::string_view(key), parsed.error().message()));
  }
  return {};
}

// A Deployment of Velero's that was there is still Velero's.
void warn_of_velero(const Json& wanted, kube::Client& client, Invocation& call) {
  const auto path = install_path(wanted);
  if (!path) return;
  const auto there = client.get(*path, {}, call.stop);
  const JsonArray* containers = there ? array_at(*there, "spec.template.spec.containers") : nullptr;
  if (containers == nullptr || containers->empty()) return;
  const std::string_view image = string_at(containers->front(), "image");
  const JsonArray* ours = array_at(wanted, "spec.template.spec.containers");
  if (image == string_at(ours->front(), "image")) return;
  call.console.err(fmt::format(
      "WARNING: {}/{} was there already and goes on running {}.\n  `{} takeover` puts {} in its "
      "place; `{} install --apply` brings the whole object up to date.\n",
      kube::kind_of(wanted), kube::name_of(wanted), image, call.program,
      string_at(ours->front(), "image"), call.program));
}

// Credentials that were there stay, and not those that were given just now.
void warn_of_credentials(const Json& wanted, kube::Client& client, Invocation& call) {
  const auto path = install_path(wanted);
  if (!path) return;
  const auto there = client.get(*path, {}, call.stop);
  if (!there) return;
  const Json* kept = find(*there, "data");
  const Json* given = find(wanted, "data");
  if (kept == nullptr || given == nullptr || *kept == *given) return;
  call.console.err(fmt::format(
      "WARNING: {}/{} was there already and keeps its credentials, which differ from {}.\n  `{} "
      "install --apply` puts those in.\n",
      kube::kind_of(wanted), kube::name_of(wanted), call.flags.text("secret-file"), call.program));
}

Status put_all(const InstallWork& work,
               const InstallOptions& options,
               const std::vector<Json>& objects,
               Invocation& call) {
  for (const char* flag :
       {"node-agent-configmap", "repo-maintenance-job-configmap", "backup-repository-configmap"}) {
    TRY(check_config_map(work, options.ns, call.flags, flag));
  }
  TRY(put_objects(work, objects));
  if (work.way == InstallWay::Create) {
    for (const Json& object : objects) {
      if (kube::kind_of(object) == "Deployment" || kube::kind_of(object) == "DaemonSet")
        warn_of_velero(object, work.client, call);
      if (kube::kind_of(object) == "Secret") warn_of_credentials(object, work.client, call);
    }
  }
  return {};
}

Status wait_for_all(const InstallWork& work,
                    const InstallOptions& options,
                    const Session& session,
                    Invocation& call) {
  call.console.line(fmt::format("Waiting for {} deployment to be ready.", shown_program(call)));
  TRY(wait_for_server_pods(work, options.ns));
  if (options.node_agent) {
    call.console.line("Waiting for node-agent daemonset to be ready.");
    TRY(wait_for_agent_pods(work, options.ns, "node-agent"));
  }
  if (options.node_agent_windows) {
    call.console.line("Waiting for node-agent-windows daemonset to be ready.");
    TRY(wait_for_agent_pods(work, options.ns, "node-agent-windows"));
  }
  // Pods that run are one thing, a server that answers another.
  TRY(ask_server_status(session, kAnswerWait, call.stop)
          .wrap("the server's pods are ready, but it does not answer"));
  return {};
}

Result<int> install_definitions_only(Invocation& call, OutputFormat format) {
  const std::vector<Json> definitions = install_definitions();
  if (format != OutputFormat::None)
    call.console.out(print_documents(definitions, "v1", "", format, false));
  if (call.flags.is("dry-run")) return 0;
  const Session session = TRY(open_session(call));
  TRY(put_objects({.client = *session.client,
                   .console = call.console,
                   .way = call.flags.is("apply") ? InstallWay::Apply : InstallWay::Create,
                   .stop = call.stop},
                  definitions));
  call.console.line(
      fmt::format("The custom resource definitions of {} are installed.", model::kGroup));
  return 0;
}

Result<int> run_install(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  if (format == OutputFormat::Table)
    return Error(Code::InvalidArgument, "'table' format is not supported with 'install' command");
  if (call.flags.is("check")) return check_cluster(call);
  if (call.flags.is("crds-only")) return install_definitions_only(call, format);
  const InstallOptions options = TRY(install_options(call));
  const std::vector<Json> objects = install_objects(options);
  if (format != OutputFormat::None)
    call.console.out(print_documents(objects, "v1", "", format, false));
  if (call.flags.is("dry-run")) return 0;
  const Session session = TRY(open_session(call));
  const InstallWork work{.client = *session.client,
                         .console = call.console,
                         .way = call.flags.is("apply") ? InstallWay::Apply : InstallWay::Create,
                         .stop = call.stop};
  Status done = put_all(work, options, objects, call);
  if (done && call.flags.is("wait")) done = wait_for_all(work, options, session, call);
  if (!done) return installing_failed(std::move(done).error(), options.ns, call);
  if (!options.credentials)
    call.console.line("\nNo secret file was specified, no Secret created.\n");
  if (!options.backup_location) {
    call.console.line(
        "\nNo bucket and provider were specified, no default backup storage location created.\n");
  }
  call.console.line(
      fmt::format("{} is installed! ⛵ Use 'kubectl logs deployment/velero -n {}' to view the "
                  "status.",
                  shown_program(call), options.ns));
  return 0;
}

}  // namespace

Command install_command() {
  return {
      .name = "install",
      .usage = "",
      .summary = "Install Velero",
      .flags = install_flags(),
      .run = run_install,
      .text =
          "Install onto a Kubernetes cluster using the supplied provider information, such as\n"
          "the provider's name, a bucket name, and a file containing the credentials to access "
          "that bucket.\n\nThe objects, their names and their order are Velero's: custom "
          "resource definitions, a namespace, a ServiceAccount bound to cluster-admin, the "
          "Secret 'cloud-credentials', the default locations, the Deployment 'velero' and, with "
          "--use-node-agent, the DaemonSet 'node-agent'.\n\nUse '--check' to look first "
          "whether the cluster is ready, '--wait' to wait until the server answers, and '-o "
          "yaml' with '--dry-run' to print the objects instead of creating them. Where Velero "
          "runs already, 'takeover' is the command.",
      .max_args = 0};
}

}  // namespace lateen::cli
