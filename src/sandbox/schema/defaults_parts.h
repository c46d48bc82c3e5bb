// Defaults by group of kinds, and of the parts that several kinds have. Internal to this folder.
#pragma once

#include <string_view>

#include "base/json.h"

namespace lateen::sandbox::schema {

// Parts.
void default_pod_spec(JsonObject& spec);
void default_pod_template(JsonObject& owner_spec);  // owner_spec.template
void default_pod_only(JsonObject& spec);            // what a Pod gets and a template does not
void default_claim_spec(JsonObject& spec);
void default_volume_source(
    JsonObject& volume);  // of a pod's volume or of a PersistentVolume's spec

// "Always" for an image without a tag or with the tag latest, else "IfNotPresent".
std::string_view default_pull_policy(std::string_view image);

// Kinds. Each takes the whole object and says whether it knew the kind.
bool default_core_kind(std::string_view kind, JsonObject& object);
bool default_apps_kind(std::string_view kind, JsonObject& object);
bool default_batch_kind(std::string_view kind, JsonObject& object);
bool default_autoscaling_kind(std::string_view version, std::string_view kind, JsonObject& object);
bool default_cluster_kind(std::string_view group,
                          std::string_view kind,
                          JsonObject& object);  // all other groups

}  // namespace lateen::sandbox::schema
