// Preparation of single kinds. Internal to this folder.
#pragma once

#include <string_view>

#include "base/json.h"

namespace lateen::sandbox::schema {

// core/v1 kinds on create.
void prepare_core_kind(std::string_view kind, JsonObject& object);

// A Job's selector and the labels of its pods, unless it brings its own (manualSelector).
void prepare_job(JsonObject& object);

// A Service keeps its addresses and node ports when an update leaves them out.
void keep_service_addresses(const Json& old_object, JsonObject& object);

// "Guaranteed", "Burstable" or "BestEffort", by what the containers request and are limited to.
std::string_view qos_class(const JsonObject& pod_spec);

}  // namespace lateen::sandbox::schema
