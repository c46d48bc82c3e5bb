#include "assurance/findings.h"

#include <fmt/format.h>

namespace lateen::assurance {

Json to_json(const OutsideReference& one) {
  return JsonObject{{"what", one.what},
                    {"target", one.target},
                    {"object", one.object},
                    {"field", one.field},
                    {"coveredBy", one.covered_by}};
}

Json to_json(const LocalVolume& one) {
  JsonObject json{
      {"namespace", one.ns}, {"pod", one.pod}, {"volume", one.volume}, {"type", one.type}};
  if (!one.detail.empty()) json["detail"] = one.detail;
  json["advice"] = one.advice;
  return json;
}

Json to_json(const PlanWarning& one) {
  return JsonObject{
      {"id", one.id}, {"subject", one.subject}, {"message", one.message}, {"advice", one.advice}};
}

OutsideReference outside_reference_from(const Json& json) {
  return {.what = std::string(string_at(json, "what")),
          .target = std::string(string_at(json, "target")),
          .object = std::string(string_at(json, "object")),
          .field = std::string(string_at(json, "field")),
          .covered_by = std::string(string_at(json, "coveredBy"))};
}

LocalVolume local_volume_from(const Json& json) {
  return {.ns = std::string(string_at(json, "namespace")),
          .pod = std::string(string_at(json, "pod")),
          .volume = std::string(string_at(json, "volume")),
          .type = std::string(string_at(json, "type")),
          .detail = std::string(string_at(json, "detail")),
          .advice = std::string(string_at(json, "advice"))};
}

PlanWarning plan_warning_from(const Json& json) {
  return {.id = std::string(string_at(json, "id")),
          .subject = std::string(string_at(json, "subject")),
          .message = std::string(string_at(json, "message")),
          .advice = std::string(string_at(json, "advice"))};
}

std::string object_text(std::string_view group_resource,
                        std::string_view ns,
                        std::string_view name) {
  return ns.empty() ? fmt::format("{} {}", group_resource, name)
                    : fmt::format("{} {}/{}", group_resource, ns, name);
}

}  // namespace lateen::assurance
