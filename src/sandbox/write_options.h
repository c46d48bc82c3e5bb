// How the controllers sign what they write: each under the name that Kubernetes' own gives itself
// in managedFields.
#pragma once

#include <string>
#include <string_view>

#include "sandbox/api/api.h"

namespace lateen::sandbox {

inline WriteOptions write_as(std::string_view field_manager) {
  WriteOptions options;
  options.field_manager = field_manager;
  return options;
}

inline WriteOptions write_status_as(std::string_view field_manager) {
  WriteOptions options = write_as(field_manager);
  options.subresource = "status";
  return options;
}

// Only the very object that was looked at.
inline DeleteOptions delete_exactly(std::string_view uid) {
  DeleteOptions options;
  options.preconditions.uid = uid;
  options.propagation_policy = "Background";
  return options;
}

}  // namespace lateen::sandbox
