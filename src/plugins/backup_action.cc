#include <google/protobuf/empty.pb.h>
#include <velero/backup_item_action.pb.h>
#include <velero/backup_item_action_v2.pb.h>

#include "plugins/action_messages.h"
#include "plugins/item_actions.h"
#include "plugins/rpc.h"

namespace lateen::plugins {
namespace {

template <typename Request>
Request execute_request(const std::string& plugin, BytesView item, BytesView backup) {
  Request request;
  request.set_plugin(plugin);
  request.set_item(item.data(), item.size());
  request.set_backup(backup.data(), backup.size());
  return request;
}

template <typename Request>
Request operation_request(const std::string& plugin, std::string_view id, BytesView backup) {
  Request request;
  request.set_plugin(plugin);
  request.set_operationid(std::string(id));
  request.set_backup(backup.data(), backup.size());
  return request;
}

}  // namespace

Result<ResourceSelector> BackupAction::applies_to(const std::stop_token& stop) const {
  const Duration patience = binary_.limits().quick;
  if (is_v2()) {
    v2::BackupItemActionAppliesToRequest request;
    request.set_plugin(id_.name);
    return selector_of(call<v2::BackupItemActionAppliesToResponse>(
        binary_, "/v2.BackupItemAction/AppliesTo", request, patience, stop));
  }
  generated::BackupItemActionAppliesToRequest request;
  request.set_plugin(id_.name);
  return selector_of(call<generated::BackupItemActionAppliesToResponse>(
      binary_, "/generated.BackupItemAction/AppliesTo", request, patience, stop));
}

Result<BackupAction::Outcome> BackupAction::execute(BytesView item,
                                                    BytesView backup,
                                                    const std::stop_token& stop) const {
  const Duration patience = binary_.limits().execute;
  if (is_v2()) {
    auto answer = TRY(call<v2::ExecuteResponse>(
        binary_, "/v2.BackupItemAction/Execute",
        execute_request<v2::ExecuteRequest>(id_.name, item, backup), patience, stop));
    return Outcome{.item = std::move(*answer.mutable_item()),
                   .additional = from_message(answer.additionalitems()),
                   .operation_id = answer.operationid(),
                   .post_operation = from_message(answer.postoperationitems())};
  }
  auto answer = TRY(call<generated::ExecuteResponse>(
      binary_, "/generated.BackupItemAction/Execute",
      execute_request<generated::ExecuteRequest>(id_.name, item, backup), patience, stop));
  return Outcome{.item = std::move(*answer.mutable_item()),
                 .additional = from_message(answer.additionalitems())};
}

Result<OperationProgress> BackupAction::progress(std::string_view operation_id,
                                                 BytesView backup,
                                                 const std::stop_token& stop) const {
  if (!is_v2()) {
    return Error(Code::Unsupported, "async operations not supported by action {}", id_.name);
  }
  const auto answer = TRY(call<v2::BackupItemActionProgressResponse>(
      binary_, "/v2.BackupItemAction/Progress",
      operation_request<v2::BackupItemActionProgressRequest>(id_.name, operation_id, backup),
      binary_.limits().quick, stop));
  return from_message(answer.progress());
}

Status BackupAction::cancel(std::string_view operation_id,
                            BytesView backup,
                            const std::stop_token& stop) const {
  if (!is_v2()) return {};
  TRY(call<google::protobuf::Empty>(
      binary_, "/v2.BackupItemAction/Cancel",
      operation_request<v2::BackupItemActionCancelRequest>(id_.name, operation_id, backup),
      binary_.limits().quick, stop));
  return {};
}

}  // namespace lateen::plugins
