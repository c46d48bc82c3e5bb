// Between the messages of proto/velero/shared.proto and our structs. Only this room's .cc files
// include it.
#pragma once

#include <vector>

#include <velero/shared.pb.h>

#include "plugins/item_actions.h"

namespace lateen::plugins {

ResourceSelector from_message(const generated::ResourceSelector& message);
std::vector<model::ResourceIdentifier> from_message(
    const google::protobuf::RepeatedPtrField<generated::ResourceIdentifier>& messages);
OperationProgress from_message(const generated::OperationProgress& message);
void to_message(const model::ResourceIdentifier& item, generated::ResourceIdentifier& message);

// The selector out of any AppliesTo response.
template <typename Response>
Result<ResourceSelector> selector_of(Result<Response> response) {
  if (!response) return std::move(response).error();
  return from_message(response->resourceselector());
}

}  // namespace lateen::plugins
