// Cells of workloads and what bounds them.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sandbox/schema/table_parts.h"

namespace lateen::sandbox::schema {
JsonArray deployment_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          Json(fmt::format("{}/{}", int_at(object, "status.readyReplicas").value_or(0),
                           int_at(object, "spec.replicas").value_or(0))),
          number_at(object, "status.updatedReplicas"),
          number_at(object, "status.availableReplicas"),
          age_of(object, now),
          containers(object),
          images(object),
          Json(selector_text(find(object, "spec.selector")))};
}

JsonArray stateful_set_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          Json(fmt::format("{}/{}", int_at(object, "status.readyReplicas").value_or(0),
                           int_at(object, "spec.replicas").value_or(0))),
          age_of(object, now), containers(object), images(object)};
}

JsonArray replica_set_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          number_at(object, "spec.replicas"),
          number_at(object, "status.replicas"),
          number_at(object, "status.readyReplicas"),
          age_of(object, now),
          containers(object),
          images(object),
          Json(selector_text(find(object, "spec.selector")))};
}

JsonArray replication_controller_cells(const Json& object, TimePoint now) {
  JsonArray cells = replica_set_cells(object, now);
  cells[7] = labels_text(find(object, "spec.selector"));
  return cells;
}

JsonArray daemon_set_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          number_at(object, "status.desiredNumberScheduled"),
          number_at(object, "status.currentNumberScheduled"),
          number_at(object, "status.numberReady"),
          number_at(object, "status.updatedNumberScheduled"),
          number_at(object, "status.numberAvailable"),
          Json(labels_text(find(object, "spec.template.spec.nodeSelector"))),
          age_of(object, now),
          containers(object),
          images(object),
          Json(selector_text(find(object, "spec.selector")))};
}

JsonArray cron_job_cells(const Json& object, TimePoint now) {
  const auto suspended = bool_at(object, "spec.suspend");
  const Json* last = find(object, "status.lastScheduleTime");
  const bool ran = last != nullptr && last->is_string();
  constexpr std::string_view kPod = "spec.jobTemplate.spec.template.spec";
  return {name_of(object),
          text_at(object, "spec.schedule"),
          text_or_none(object, "spec.timeZone"),
          !suspended ? Json("<unset>") : Json(*suspended ? "True" : "False"),
          Json(size_at(object, "status.active")),
          ran ? Json(age_text(last, now)) : Json("<none>"),
          age_of(object, now),
          Json(container_names(object, kPod)),
          Json(container_images(object, kPod)),
          Json(selector_text(find(object, "spec.jobTemplate.spec.selector")))};
}

JsonArray controller_revision_cells(const Json& object, TimePoint now) {
  std::string controller = "<none>";
  if (const JsonArray* owners = array_at(object, "metadata.ownerReferences")) {
    for (const Json& owner : *owners) {
      if (!bool_at(owner, "controller").value_or(false)) continue;
      std::string kind(string_at(owner, "kind"));
      std::ranges::transform(kind, kind.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      });
      const std::string_view api_version = string_at(owner, "apiVersion");
      const std::size_t slash = api_version.find('/');
      const std::string_view group =
          slash == std::string_view::npos ? "" : api_version.substr(0, slash);
      controller =
          fmt::format("{}{}{}/{}", kind, group.empty() ? "" : ".", group, string_at(owner, "name"));
    }
  }
  return {name_of(object), Json(controller), number_at(object, "revision"), age_of(object, now)};
}

JsonArray pod_template_cells(const Json& object, TimePoint) {
  return {name_of(object), Json(container_names(object, "template.spec")),
          Json(container_images(object, "template.spec")),
          Json(labels_text(find(object, "template.metadata.labels")))};
}

JsonArray disruption_budget_cells(const Json& object, TimePoint now) {
  return {name_of(object), Json(value_or(object, "spec.minAvailable", "N/A")),
          Json(value_or(object, "spec.maxUnavailable", "N/A")),
          number_at(object, "status.disruptionsAllowed"), age_of(object, now)};
}

JsonArray quota_cells(const Json& object, TimePoint now) {
  std::vector<std::string> requests;
  std::vector<std::string> limits;
  if (const JsonObject* hard = object_at(object, "status.hard")) {
    const Json* used = find(object, "status.used");
    for (const auto& [name, amount] : *hard) {
      std::string_view have = as_text(find(used, JsonKey{name}));
      if (have.empty()) have = "0";
      (name.starts_with("limits.") ? limits : requests)
          .push_back(fmt::format("{}: {}/{}", std::string_view(name), have, as_text(&amount)));
    }
  }
  std::ranges::sort(requests);
  std::ranges::sort(limits);
  return {name_of(object), age_of(object, now), Json(fmt::format("{}", fmt::join(requests, ", "))),
          Json(fmt::format("{}", fmt::join(limits, ", ")))};
}

}  // namespace lateen::sandbox::schema
