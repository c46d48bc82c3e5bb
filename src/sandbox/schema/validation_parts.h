// Validation by group of kinds, and of the parts that several kinds have. Internal to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/schema/name_rules.h"
#include "sandbox/schema/validation.h"

namespace lateen::sandbox::schema {

// ---- Small checks. Each adds what is wrong with a value to `errors`; an absent value is well
// unless it says so.

// One Invalid error for each complaint.
void complain(const std::string& field,
              std::string_view value,
              const Complaints& complaints,
              FieldErrors& errors);

void check_not_negative(const Json& object, std::string_view path, FieldErrors& errors);
void check_required_text(const Json& object, std::string_view path, FieldErrors& errors);

// The text at `path`, when there is one, must be one of `supported`.
void check_one_of(const Json& object,
                  std::string_view path,
                  const std::vector<std::string>& supported,
                  FieldErrors& errors);

// The values at `path` must be equal in both: `Invalid value: …: field is immutable`.
void check_immutable(const Json& old_object,
                     const Json& object,
                     std::string_view path,
                     FieldErrors& errors);

// Equal, with absent, null and empty the same.
bool same_value(const Json* left, const Json* right);

Json value_or_null(const Json* value);

// ---- Parts.
void check_label_map(const Json* labels, const std::string& field, FieldErrors& errors);
void check_pod_spec(const Json& spec, const std::string& field, FieldErrors& errors);
void check_claim_spec(const Json& spec, const std::string& field, FieldErrors& errors);

// Selector there, not empty, and matched by the template's labels. `what` is
// "deployment".
void check_selected_template(const Json& object, std::string_view what, FieldErrors& errors);

// ---- Kinds. The create checks run on updates too.
void check_core_kind(std::string_view kind, const Json& object, FieldErrors& errors);
void check_apps_kind(std::string_view kind, const Json& object, FieldErrors& errors);
void check_batch_kind(std::string_view kind, const Json& object, FieldErrors& errors);
void check_cluster_kind(std::string_view group,
                        std::string_view kind,
                        const Json& object,
                        FieldErrors& errors);

void check_webhook_configuration(const Json& object, FieldErrors& errors);

void check_core_update(std::string_view kind,
                       const Json& old_object,
                       const Json& object,
                       FieldErrors& errors);
void check_workload_update(std::string_view kind,
                           const Json& old_object,
                           const Json& object,
                           FieldErrors& errors);
void check_cluster_update(std::string_view kind,
                          const Json& old_object,
                          const Json& object,
                          FieldErrors& errors);

}  // namespace lateen::sandbox::schema
