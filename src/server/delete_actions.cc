#include "server/delete_actions.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "kube/discovery.h"
#include "plugins/item_actions.h"
#include "plugins/resolved_selector.h"
#include "server/server_plugins.h"

namespace lateen::server {
namespace {

using plugins::PluginKind;

struct Action {
  plugins::DeleteAction action;
  plugins::ResolvedSelector selector;
};

Result<std::vector<Action>> resolve(const plugins::Registry& registry,
                                    plugins::Host& host,
                                    const kube::Discovery& discovery,
                                    std::stop_token stop) {
  std::vector<Action> actions;
  for (const plugins::PluginId& id : registry.list(PluginKind::DeleteItemAction)) {
    plugins::DeleteAction action(host.binary(id.command), id);
    const auto selector = TRY(
        action.applies_to(stop).wrap("asking delete item action {} what it applies to", id.name));
    auto resolved = TRY(plugins::ResolvedSelector::resolve(selector, discovery)
                            .wrap("delete item action {}", id.name));
    actions.push_back({std::move(action), std::move(resolved)});
  }
  return actions;
}

Status act_on(const archive::ArchivedItem& item,
              const archive::ArchiveReader& reader,
              const std::vector<Action>& actions,
              BytesView backup,
              const Log& log,
              std::stop_token stop) {
  const Bytes body = TRY(reader.read(item));
  const Json object = TRY(parse_json(body));
  for (const Action& one : actions) {
    if (!one.selector.wants_kind(item.key.group_resource) || !one.selector.wants_object(object)) {
      continue;
    }
    const Status done = one.action.execute(body, backup, stop);
    if (stop.stop_requested()) return Error(Code::Canceled, "the server was stopped");
    if (done) continue;
    log.error("plugin error", {{"error", done.error()},
                               {"hint", done.error().hint()},
                               {"actionName", one.action.name()},
                               {"resource", item.key.group_resource},
                               {"namespace", item.key.ns},
                               {"name", item.key.name}});
  }
  return {};
}

}  // namespace

Status run_delete_actions(const model::Backup& backup,
                          const archive::ArchiveReader& reader,
                          const ServerContext& context,
                          const Log& log,
                          std::stop_token stop) {
  if (context.plugins == nullptr) return {};
  const plugins::Registry& registry = context.plugins->registry();
  if (registry.list(PluginKind::DeleteItemAction).empty()) return {};
  const std::unique_ptr<plugins::Host> host = context.plugins->host(log);
  const kube::Discovery discovery = TRY(kube::discover(context.client(), stop));
  const std::vector<Action> actions = TRY(resolve(registry, *host, discovery, stop));
  const Bytes json = write_json(model::to_json(backup));
  for (const archive::ArchivedItem& item : reader.items()) {
    if (!item.key.preferred) continue;
    const bool wanted = std::any_of(actions.begin(), actions.end(), [&item](const Action& one) {
      return one.selector.wants_kind(item.key.group_resource);
    });
    if (wanted) TRY(act_on(item, reader, actions, json, log, stop));
  }
  return {};
}

}  // namespace lateen::server
