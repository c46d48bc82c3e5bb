#include "sandbox/schema/defaults.h"

#include "sandbox/schema/decode.h"
#include "sandbox/schema/defaults_parts.h"
#include "sandbox/schema/types.h"

namespace lateen::sandbox::schema {

void apply_defaults(std::string_view group,
                    std::string_view version,
                    std::string_view kind,
                    Json& object) {
  JsonObject* tree = object.if_object();
  const Type* type = TypeTable::builtin().find(group, version, kind);
  if (tree == nullptr || type == nullptr) return;
  bool known = false;
  if (group.empty()) {
    known = default_core_kind(kind, *tree);
  } else if (group == "apps") {
    known = default_apps_kind(kind, *tree);
  } else if (group == "batch") {
    known = default_batch_kind(kind, *tree);
  } else if (group == "autoscaling") {
    known = default_autoscaling_kind(version, kind, *tree);
  } else {
    known = default_cluster_kind(group, kind, *tree);
  }
  // Puts what was added into the type's order.
  if (known) object = normalized(*type, object);
}

}  // namespace lateen::sandbox::schema
