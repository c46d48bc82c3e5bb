// Cells of single kinds. Internal to the tables.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"

namespace lateen::sandbox::schema {

// How long ago, as kubectl prints it; "<unknown>" for no time.
std::string age_text(const Json* time, TimePoint now);

// "a=b,c=d", or "<none>".
std::string labels_text(const Json* labels);

// A label selector's text, or "<none>".
std::string selector_text(const Json* selector);

// The texts, with commas; "<none>" for none.
std::string joined_or_none(const std::vector<std::string>& texts);

// "busybox,nginx" and "busybox:1,nginx:2": names and images of a pod spec's containers.
std::string container_names(const Json& object, std::string_view pod_spec);
std::string container_images(const Json& object, std::string_view pod_spec);

JsonArray pod_cells(const Json& object, TimePoint now);
JsonArray job_cells(const Json& object, TimePoint now);
JsonArray service_cells(const Json& object, TimePoint now);
JsonArray node_cells(const Json& object, TimePoint now);
JsonArray event_cells(const Json& object, TimePoint now);
JsonArray autoscaler_cells(const Json& object, TimePoint now);

}  // namespace lateen::sandbox::schema
