#include <algorithm>
#include <array>
#include <tuple>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "cli/plugin_image.h"
#include "cli/server_status.h"
#include "cli/session.h"
#include "cli/table.h"
#include "kube/object.h"
#include "kube/patch.h"

namespace lateen::cli {
namespace {

const kube::GroupVersionResource kDeployments{"apps", "v1", "deployments"};
constexpr std::array<std::string_view, 3> kPullPolicies = {"Always", "IfNotPresent", "Never"};

// ---- get

Result<int> get_plugins(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const Session session = TRY(open_session(call));
  auto status = ask_server_status(session, call.flags.duration("timeout"), call.stop);
  if (!status) {
    call.console.line(
        fmt::format("<error getting plugin information: {}>", status.error().message()));
    return 0;
  }
  auto& plugins = status->status.plugins;
  std::sort(plugins.begin(), plugins.end(),
            [](const model::PluginInfo& a, const model::PluginInfo& b) {
              return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
            });
  if (format != OutputFormat::Table) {
    call.console.out(print_document(model::to_json(*status), format));
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "KIND"}};
  for (const model::PluginInfo& plugin : plugins)
    rows.push_back({plugin.name, plugin.kind});
  call.console.out(print_table(rows));
  return 0;
}

// ---- add and remove: they edit the server's Deployment

Result<Json> find_deployment(const Session& session, std::stop_token stop) {
  const Json list = TRY(session.client->list({.gvr = kDeployments, .ns = session.ns()},
                                             {.label_selector = "component=velero"}, stop));
  const JsonArray* items = array_at(list, "items");
  if (items == nullptr || items->empty()) {
    return Error(Code::NotFound, "Velero deployment not found")
        .with_hint(fmt::format(
            "Looked for a Deployment with the label component=velero in namespace {}. A "
            "server that runs outside of the cluster takes plugins by --plugin-dir.",
            session.ns()));
  }
  return items->front();
}

Status write(const Session& session, const Json& before, const Json& after, std::stop_token stop) {
  const Json patch = kube::diff_merge_patch(before, after);
  TRY(session.client->patch(
      {.gvr = kDeployments, .ns = session.ns(), .name = std::string(kube::name_of(before))},
      kube::PatchType::Merge, patch, {}, stop));
  return {};
}

Result<int> add_plugin(Invocation& call) {
  const std::string policy = call.flags.text("image-pull-policy");
  if (std::find(kPullPolicies.begin(), kPullPolicies.end(), policy) == kPullPolicies.end()) {
    return Error(Code::InvalidArgument, "--image-pull-policy is {}, it must be one of {}", policy,
                 join(kPullPolicies, ", "));
  }
  if (!call.flags.is("confirm")) {
    call.console.line(
        "velero plugin add may cause the Velero server pod restart, so it is a dangerous "
        "operation\nonce Velero server restarts, all the ongoing jobs will fail.");
  }
  if (!is_confirmed(call)) return 0;
  const Session session = TRY(open_session(call));
  const Json before = TRY(find_deployment(session, call.stop));
  TRY(write(session, before, TRY(with_plugin(before, call.args.front(), policy)), call.stop));
  return 0;
}

Result<int> remove_plugin(Invocation& call) {
  const Session session = TRY(open_session(call));
  const Json before = TRY(find_deployment(session, call.stop));
  TRY(write(session, before, TRY(without_plugin(before, call.args.front())), call.stop));
  return 0;
}

std::vector<FlagSpec> get_plugin_flags() {
  std::vector<FlagSpec> flags = output_flags("table");
  std::erase_if(flags, [](const FlagSpec& flag) { return flag.name != "output"; });
  flags.push_back({.name = "timeout",
                   .kind = FlagKind::Duration,
                   .usage =
                       "Maximum time to wait for plugin information to be reported. Default is "
                       "5 seconds.",
                   .value = "5s"});
  return flags;
}

}  // namespace

Command plugin_commands() {
  return {
      .name = "plugin",
      .usage = "",
      .summary = "Work with plugins",
      .children =
          {{.name = "add",
            .usage = "IMAGE",
            .summary = "Add a plugin",
            .flags = {{.name = "image-pull-policy",
                       .usage = "The imagePullPolicy for the plugin container. Valid values are "
                                "Always, IfNotPresent, Never.",
                       .value = "IfNotPresent"},
                      {.name = "confirm",
                       .kind = FlagKind::Bool,
                       .usage = "Confirm add?, may cause the Velero server pod restart which "
                                "will fail all ongoing jobs"}},
            .run = with_one_name(add_plugin)},
           {.name = "get",
            .usage = "",
            .summary = "Get information for all plugins on the velero server",
            .flags = get_plugin_flags(),
            .run = get_plugins,
            .max_args = 0},
           {.name = "remove",
            .usage = "[NAME | IMAGE]",
            .summary = "Remove a plugin",
            .run = with_one_name(remove_plugin)}},
      .aliases = {"plugins"}};
}

}  // namespace lateen::cli
