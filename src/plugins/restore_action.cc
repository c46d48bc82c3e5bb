#include <google/protobuf/empty.pb.h>
#include <velero/restore_item_action.pb.h>
#include <velero/restore_item_action_v2.pb.h>

#include "plugins/action_messages.h"
#include "plugins/item_actions.h"
#include "plugins/rpc.h"

namespace lateen::plugins {
namespace {

template <typename Request>
Request execute_request(const std::string& plugin, const RestoreAction::Input& input) {
  Request request;
  request.set_plugin(plugin);
  request.set_item(input.item.data(), input.item.size());
  request.set_restore(input.restore.data(), input.restore.size());
  request.set_itemfrombackup(input.item_from_backup.data(), input.item_from_backup.size());
  return request;
}

template <typename Request>
Request operation_request(const std::string& plugin, std::string_view id, BytesView restore) {
  Request request;
  request.set_plugin(plugin);
  request.set_operationid(std::string(id));
  request.set_restore(restore.data(), restore.size());
  return request;
}

std::optional<Duration> positive(const google::protobuf::Duration& message) {
  // Ten years, beyond which a Go duration wraps around sooner or later.
  constexpr std::int64_t kMax = std::int64_t{3600} * 24 * 3650;
  if (message.seconds() < 0 || message.seconds() > kMax || message.nanos() < 0) return std::nullopt;
  const Duration value =
      std::chrono::seconds(message.seconds()) + std::chrono::nanoseconds(message.nanos());
  return value > Duration::zero() ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<ResourceSelector> RestoreAction::applies_to(const std::stop_token& stop) const {
  const Duration patience = binary_.limits().quick;
  if (is_v2()) {
    v2::RestoreItemActionAppliesToRequest request;
    request.set_plugin(id_.name);
    return selector_of(call<v2::RestoreItemActionAppliesToResponse>(
        binary_, "/v2.RestoreItemAction/AppliesTo", request, patience, stop));
  }
  generated::RestoreItemActionAppliesToRequest request;
  request.set_plugin(id_.name);
  return selector_of(call<generated::RestoreItemActionAppliesToResponse>(
      binary_, "/generated.RestoreItemAction/AppliesTo", request, patience, stop));
}

Result<RestoreAction::Outcome> RestoreAction::execute(const Input& input,
                                                      const std::stop_token& stop) const {
  const Duration patience = binary_.limits().execute;
  if (is_v2()) {
    auto answer = TRY(call<v2::RestoreItemActionExecuteResponse>(
        binary_, "/v2.RestoreItemAction/Execute",
        execute_request<v2::RestoreItemActionExecuteRequest>(id_.name, input), patience, stop));
    return Outcome{.item = std::move(*answer.mutable_item()),
                   .additional = from_message(answer.additionalitems()),
                   .skip_restore = answer.skiprestore(),
                   .operation_id = answer.operationid(),
                   .wait_for_additional = answer.waitforadditionalitems(),
                   .ready_timeout = positive(answer.additionalitemsreadytimeout())};
  }
  auto answer = TRY(call<generated::RestoreItemActionExecuteResponse>(
      binary_, "/generated.RestoreItemAction/Execute",
      execute_request<generated::RestoreItemActionExecuteRequest>(id_.name, input), patience,
      stop));
  return Outcome{.item = std::move(*answer.mutable_item()),
                 .additional = from_message(answer.additionalitems()),
                 .skip_restore = answer.skiprestore()};
}

Result<OperationProgress> RestoreAction::progress(std::string_view operation_id,
                                                  BytesView restore,
                                                  const std::stop_token& stop) const {
  if (!is_v2()) {
    return Error(Code::Unsupported, "async operations not supported by action {}", id_.name);
  }
  const auto answer = TRY(call<v2::RestoreItemActionProgressResponse>(
      binary_, "/v2.RestoreItemAction/Progress",
      operation_request<v2::RestoreItemActionProgressRequest>(id_.name, operation_id, restore),
      binary_.limits().quick, stop));
  return from_message(answer.progress());
}

Status RestoreAction::cancel(std::string_view operation_id,
                             BytesView restore,
                             const std::stop_token& stop) const {
  if (!is_v2()) return {};
  TRY(call<google::protobuf::Empty>(
      binary_, "/v2.RestoreItemAction/Cancel",
      operation_request<v2::RestoreItemActionCancelRequest>(id_.name, operation_id, restore),
      binary_.limits().quick, stop));
  return {};
}

Result<bool> RestoreAction::are_ready(const std::vector<model::ResourceIdentifier>& additional,
                                      BytesView restore,
                                      const std::stop_token& stop) const {
  if (!is_v2()) return true;
  v2::RestoreItemActionItemsReadyRequest request;
  request.set_plugin(id_.name);
  request.set_restore(restore.data(), restore.size());
  for (const model::ResourceIdentifier& item : additional)
    to_message(item, *request.add_additionalitems());
  const auto answer = TRY(call<v2::RestoreItemActionItemsReadyResponse>(
      binary_, "/v2.RestoreItemAction/AreAdditionalItemsReady", request, binary_.limits().quick,
      stop));
  return answer.ready();
}

}  // namespace lateen::plugins
