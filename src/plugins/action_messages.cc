#include "plugins/action_messages.h"

namespace lateen::plugins {
namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

std::vector<std::string> texts(const Texts& list) {
  return {list.begin(), list.end()};
}

// Go's zero time, and the epoch that it becomes on the way, say nothing.
std::optional<TimePoint> time_of(const google::protobuf::Timestamp& message) {
  if (message.seconds() <= 0) return std::nullopt;
  return TimePoint(std::chrono::seconds(message.seconds()) +
                   std::chrono::nanoseconds(message.nanos()));
}

}  // namespace

ResourceSelector from_message(const generated::ResourceSelector& message) {
  return {.included_namespaces = texts(message.includednamespaces()),
          .excluded_namespaces = texts(message.excludednamespaces()),
          .included_resources = texts(message.includedresources()),
          .excluded_resources = texts(message.excludedresources()),
          .label_selector = message.selector()};
}

std::vector<model::ResourceIdentifier> from_message(
    const google::protobuf::RepeatedPtrField<generated::ResourceIdentifier>& messages) {
  std::vector<model::ResourceIdentifier> items;
  for (const generated::ResourceIdentifier& message : messages) {
    model::ResourceIdentifier item;
    item.group = message.group();
    item.resource = message.resource();
    item.ns = message.namespace_();
    item.name = message.name();
    items.push_back(std::move(item));
  }
  return items;
}

OperationProgress from_message(const generated::OperationProgress& message) {
  return {.completed = message.completed(),
          .error = message.err(),
          .n_completed = message.ncompleted(),
          .n_total = message.ntotal(),
          .units = message.operationunits(),
          .description = message.description(),
          .started = time_of(message.started()),
          .updated = time_of(message.updated())};
}

void to_message(const model::ResourceIdentifier& item, generated::ResourceIdentifier& message) {
  message.set_group(item.group);
  message.set_resource(item.resource);
  message.set_namespace_(item.ns);
  message.set_name(item.name);
}

}  // namespace lateen::plugins
