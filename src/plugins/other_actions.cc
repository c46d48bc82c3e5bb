#include <velero/delete_item_action.pb.h>
#include <velero/item_block_action.pb.h>

#include "plugins/action_messages.h"
#include "plugins/item_actions.h"
#include "plugins/rpc.h"

namespace lateen::plugins {

Result<ResourceSelector> DeleteAction::applies_to(const std::stop_token& stop) const {
  generated::DeleteItemActionAppliesToRequest request;
  request.set_plugin(id_.name);
  return selector_of(call<generated::DeleteItemActionAppliesToResponse>(
      binary_, "/generated.DeleteItemAction/AppliesTo", request, binary_.limits().quick, stop));
}

Status DeleteAction::execute(BytesView item, BytesView backup, const std::stop_token& stop) const {
  generated::DeleteItemActionExecuteRequest request;
  request.set_plugin(id_.name);
  request.set_item(item.data(), item.size());
  request.set_backup(backup.data(), backup.size());
  TRY(call<generated::Empty>(binary_, "/generated.DeleteItemAction/Execute", request,
                             binary_.limits().execute, stop));
  return {};
}

Result<ResourceSelector> BlockAction::applies_to(const std::stop_token& stop) const {
  v1::ItemBlockActionAppliesToRequest request;
  request.set_plugin(id_.name);
  return selector_of(call<v1::ItemBlockActionAppliesToResponse>(
      binary_, "/v1.ItemBlockAction/AppliesTo", request, binary_.limits().quick, stop));
}

Result<std::vector<model::ResourceIdentifier>> BlockAction::related_items(
    BytesView item, BytesView backup, const std::stop_token& stop) const {
  v1::ItemBlockActionGetRelatedItemsRequest request;
  request.set_plugin(id_.name);
  request.set_item(item.data(), item.size());
  request.set_backup(backup.data(), backup.size());
  const auto answer = TRY(call<v1::ItemBlockActionGetRelatedItemsResponse>(
      binary_, "/v1.ItemBlockAction/GetRelatedItems", request, binary_.limits().execute, stop));
  return from_message(answer.relateditems());
}

}  // namespace lateen::plugins
