#include "cli/takeover.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/install_pods.h"
#include "kube/object.h"

namespace lateen::cli {
namespace {

constexpr std::array<const char*, 3> kChanged = {"image", "imagePullPolicy", "command"};
constexpr std::string_view kImageProgram = "/velero";

Json* find_velero_container(Json& workload) {
  Json& containers = ensure(workload, "spec.template.spec.containers");
  if (!containers.is_array()) return nullptr;
  for (Json& container : containers.as_array()) {
    const std::string_view name = string_at(container, "name");
    if (name == "velero" || name == "node-agent" || name == "node-agent-windows") return &container;
  }
  return nullptr;
}

Error no_container(const Json& workload) {
  return Error(Code::NotFound, "{} {} has no container velero or node-agent: it is not Velero's",
               kube::kind_of(workload), kube::object_key(workload));
}

std::string changed_text(const Json* value) {
  if (value == nullptr) return {};
  return value->is_string() ? std::string(as_text(value)) : write_json(*value);
}

}  // namespace

const Json* velero_container(const Json& workload) {
  const JsonArray* containers = array_at(workload, "spec.template.spec.containers");
  if (containers == nullptr) return nullptr;
  const auto at = std::find_if(containers->begin(), containers->end(), [](const Json& container) {
    const std::string_view name = string_at(container, "name");
    return name == "velero" || name == "node-agent" || name == "node-agent-windows";
  });
  return at == containers->end() ? nullptr : &*at;
}

Result<Json> taken_over(Json workload, std::string_view image) {
  Json* container = find_velero_container(workload);
  if (container == nullptr) return no_container(workload);
  JsonObject before;
  for (const char* field : kChanged) {
    if (const Json* value = find(*container, field)) before[field] = *value;
  }
  ensure(*container, "image") = image;
  ensure(*container, "imagePullPolicy") = install_pull_policy(image);
  ensure(*container, "command") = JsonArray{kImageProgram};
  if (!kube::has_annotation(workload, kTakenOver))
    kube::set_annotation(workload, kTakenOver, write_json(before));
  return workload;
}

Result<Json> given_back(Json workload) {
  const std::string note(kube::annotation_of(workload, kTakenOver));
  if (note.empty()) {
    return Error(Code::NotFound, "{} {} was not taken over: it has no annotation {}",
                 kube::kind_of(workload), kube::object_key(workload), kTakenOver);
  }
  const Json before = TRY(parse_json(note).wrap("annotation {}", kTakenOver));
  if (string_at(before, "image").empty())
    return Error(Code::InvalidArgument, "annotation {} names no image: {}", kTakenOver, note);
  Json* container = find_velero_container(workload);
  if (container == nullptr) return no_container(workload);
  for (const char* field : kChanged) {
    if (const Json* value = find(before, field)) {
      ensure(*container, field) = *value;
    } else {
      erase(*container, field);
    }
  }
  kube::remove_annotation(workload, kTakenOver);
  return workload;
}

std::vector<std::string> container_changes(const Json& before, const Json& after) {
  std::vector<std::string> lines;
  const Json* from = velero_container(before);
  const Json* to = velero_container(after);
  if (from == nullptr || to == nullptr) return lines;
  for (const char* field : kChanged) {
    const std::string was = changed_text(find(*from, field));
    const std::string is = changed_text(find(*to, field));
    if (was == is) continue;
    if (!was.empty()) lines.push_back(fmt::format("- {}: {}", field, was));
    if (!is.empty()) lines.push_back(fmt::format("+ {}: {}", field, is));
  }
  return lines;
}

std::vector<std::string> refused_arguments(const Json& workload,
                                           const std::vector<FlagSpec>& flags) {
  std::vector<std::string> refused;
  const Json* container = velero_container(workload);
  if (container == nullptr) return refused;
  Flags known(flags);
  bool value_follows = false;
  for (const std::string& word : texts_at(*container, "args")) {
    const bool is_value = std::exchange(value_follows, false);
    if (is_value || !word.starts_with("--") || word == "--") continue;
    const Cut parts = cut(std::string_view(word).substr(2), "=");
    const FlagSpec* spec = known.find(parts.before);
    if (spec == nullptr) {
      refused.push_back(word);
    } else if (parts.found && !known.set(*spec, std::string(parts.after))) {
      refused.push_back(word);
    } else {
      value_follows = !parts.found && spec->takes_value();
    }
  }
  return refused;
}

std::optional<std::int64_t> velero_minor_of(std::string_view image) {
  std::string_view tag = cut_last(cut(image, "@").before, ":").after;
  if (!tag.starts_with('v')) return std::nullopt;
  tag.remove_prefix(1);
  const std::vector<std::string_view> parts = split(tag, '.');
  if (parts.size() < 2 || parts.front() != "1") return std::nullopt;
  const auto minor = parse_int(parts[1]);
  return minor ? std::optional<std::int64_t>(*minor) : std::nullopt;
}

}  // namespace lateen::cli
