// In which fields two versions of an object differ, for a person to read: a restore's plan and
// `lateen diff` say it with these. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace lateen::restore {

// One field: JSON, shortened; "" where it is absent, and "***" where it is of a Secret.
struct FieldChange {
  std::string path;  // "spec.replicas", "spec.template.spec.containers[web].image"
  std::string before;
  std::string after;

  bool operator==(const FieldChange&) const = default;
};

// At most 50 of them. The items of a list are matched by their names, where each has one of its
// own, else by their places. The labels that a restore puts on are passed over.
std::vector<FieldChange> field_changes(const Json& before, const Json& after, bool is_secret);

}  // namespace lateen::restore
