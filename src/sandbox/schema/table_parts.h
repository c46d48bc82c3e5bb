// Cells of single kinds. Internal to the tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace lateen::sandbox::schema {

// How long ago, as kubectl prints it; "<unknown>" for no time.
std::string age_text(const Json* time, TimePoint now);

// "a=b,c=d", or "<none>".
std::string labels_text(const Json* labels);

// A label selector's text, or "<none>".
std::string selector_text(const Json* selector);

// The text; "<none>" for none.
std::string or_none(std::string_view text);

// The texts, with commas; "<none>" for none.
std::string joined_or_none(const std::vector<std::string>& texts);

// "busybox,nginx" and "busybox:1,nginx:2": names and images of a pod spec's containers.
std::string container_names(const Json& object, std::string_view pod_spec);
std::string container_images(const Json& object, std::string_view pod_spec);

// ---- One cell.
Json text_at(const Json& object, std::string_view path);    // "" when absent
Json number_at(const Json& object, std::string_view path);  // 0 when absent
Json text_or_none(const Json& object, std::string_view path, std::string_view none = "<none>");
Json name_of(const Json& object);
Json age_of(const Json& object, TimePoint now);
Json containers(const Json& object);  // of spec.template.spec
Json images(const Json& object);

// How many members or items; 0 when absent.
std::size_t size_at(const Json& object, std::string_view path);

// A text or number as text.
std::string value_or(const Json& object, std::string_view path, std::string_view otherwise);

// ---- One line.
JsonArray pod_cells(const Json& object, TimePoint now);
JsonArray job_cells(const Json& object, TimePoint now);
JsonArray service_cells(const Json& object, TimePoint now);
JsonArray node_cells(const Json& object, TimePoint now);
JsonArray event_cells(const Json& object, TimePoint now);
JsonArray autoscaler_cells(const Json& object, TimePoint now);

JsonArray deployment_cells(const Json& object, TimePoint now);
JsonArray stateful_set_cells(const Json& object, TimePoint now);
JsonArray replica_set_cells(const Json& object, TimePoint now);
JsonArray replication_controller_cells(const Json& object, TimePoint now);
JsonArray daemon_set_cells(const Json& object, TimePoint now);
JsonArray cron_job_cells(const Json& object, TimePoint now);
JsonArray controller_revision_cells(const Json& object, TimePoint now);
JsonArray pod_template_cells(const Json& object, TimePoint now);
JsonArray disruption_budget_cells(const Json& object, TimePoint now);
JsonArray quota_cells(const Json& object, TimePoint now);
JsonArray volume_cells(const Json& object, TimePoint now);
JsonArray claim_cells(const Json& object, TimePoint now);
JsonArray storage_class_cells(const Json& object, TimePoint now);
JsonArray attachment_cells(const Json& object, TimePoint now);
JsonArray csi_driver_cells(const Json& object, TimePoint now);
JsonArray csi_node_cells(const Json& object, TimePoint now);
JsonArray endpoints_cells(const Json& object, TimePoint now);
JsonArray endpoint_slice_cells(const Json& object, TimePoint now);
JsonArray ingress_cells(const Json& object, TimePoint now);
JsonArray ingress_class_cells(const Json& object, TimePoint now);
JsonArray network_policy_cells(const Json& object, TimePoint now);

}  // namespace lateen::sandbox::schema
