#include "restore/modifiers.h"

#include <algorithm>

#include <regex.h>

#include "base/text.h"
#include "base/yaml.h"
#include "kube/object.h"
#include "kube/patch.h"
#include "restore/go_pattern.h"
#include "restore/merge_rules.h"

namespace lateen::restore {
namespace {

// A POSIX regular expression: linear in what it is matched with, unlike std::regex. Not
// thread-safe.
class Pattern {
 public:
  static bool matches(const std::string& pattern, const std::string& text) {
    if (pattern.empty()) return true;
    const Pattern compiled(pattern);
    return compiled.ok_ && regexec(&compiled.regex_, text.c_str(), 0, nullptr, 0) == 0;
  }

  static bool is_valid(const std::string& pattern) { return Pattern(pattern).ok_; }

  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  ~Pattern() {
    if (ok_) regfree(&regex_);
  }

 private:
  explicit Pattern(const std::string& pattern)
      : ok_(regcomp(&regex_, pattern.c_str(), REG_EXTENDED | REG_NOSUB) == 0) {}

  regex_t regex_ = {};
  bool ok_;
};

Status check_keys(const Json& object,
                  std::string_view where,
                  std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return Error(Code::InvalidArgument, "{} is not a mapping", where);
  for (const auto& [key, value] : object.as_object()) {
    if (std::find(known.begin(), known.end(), std::string_view(key)) == known.end()) {
      return Error(Code::InvalidArgument, "{}: unknown field \"{}\"", where, std::string_view(key));
    }
  }
  return {};
}

// Velero's typing of a patch's value: quoted or plain text is a string; true, null, a number, {…}
// and […] are JSON.
Json typed_value(const Json& given) {
  if (!given.is_string()) return given;
  const std::string_view text = as_text(&given);
  if (text.empty()) return Json("");
  auto parsed = parse_json(text);
  return parsed ? std::move(*parsed) : given;
}

Result<JsonArray> parse_operations(const Json& list, std::string_view where) {
  JsonArray operations;
  if (!list.is_array()) return Error(Code::InvalidArgument, "{}.patches is not a list", where);
  for (const Json& one : list.as_array()) {
    TRY(check_keys(one, fmt::format("{}.patches", where), {"operation", "path", "from", "value"}));
    const std::string_view operation = string_at(one, "operation");
    JsonObject rfc{{"op", operation}, {"path", string_at(one, "path")}};
    if (const auto from = string_at(one, "from"); !from.empty()) rfc["from"] = from;
    if (operation == "add" || operation == "replace" || operation == "test") {
      const Json* value = find(one, "value");
      rfc["value"] = value == nullptr ? Json("") : typed_value(*value);
    } else if (operation != "remove" && operation != "move" && operation != "copy") {
      return Error(Code::InvalidArgument, "{}: unknown patch operation \"{}\"", where, operation);
    }
    operations.emplace_back(std::move(rfc));
  }
  return operations;
}

Result<std::vector<Json>> parse_patch_data(const Json& list, std::string_view where) {
  std::vector<Json> patches;
  if (!list.is_array()) return Error(Code::InvalidArgument, "{} is not a list", where);
  for (const Json& one : list.as_array()) {
    TRY(check_keys(one, where, {"patchData"}));
    Json patch = TRY(parse_yaml(string_at(one, "patchData")).wrap("{}.patchData", where));
    if (!patch.is_object())
      return Error(Code::InvalidArgument, "{}.patchData is not a mapping", where);
    patches.push_back(std::move(patch));
  }
  return patches;
}

Status parse_conditions(const Json& conditions, std::string_view where, ModifierRule& rule) {
  TRY(check_keys(conditions, where,
                 {"groupResource", "resourceNameRegex", "namespaces", "labelSelector", "matches"}));
  rule.group_resource = string_at(conditions, "groupResource");
  if (rule.group_resource.empty()) {
    return Error(Code::InvalidArgument, "{}: groupResource is empty", where);
  }
  const std::string written(string_at(conditions, "resourceNameRegex"));
  rule.name_pattern = TRY(to_posix_pattern(written).wrap("{}: \"{}\"", where, written));
  if (!rule.name_pattern.empty() && !Pattern::is_valid(rule.name_pattern)) {
    return Error(Code::InvalidArgument, "{}: \"{}\" is not a regular expression", where, written);
  }
  if (const JsonArray* namespaces = array_at(conditions, "namespaces")) {
    for (const Json& ns : *namespaces)
      rule.namespaces.emplace_back(as_text(&ns));
  }
  if (const Json* selector = find(conditions, "labelSelector")) {
    rule.label_selector = TRY(model::from_json<model::LabelSelector>(*selector).wrap("{}", where));
    TRY(rule.label_selector->validate());
  }
  if (const JsonArray* matches = array_at(conditions, "matches")) {
    for (const Json& one : *matches) {
      TRY(check_keys(one, where, {"path", "value"}));
      const Json* value = find(one, "value");
      rule.matches.push_back(
          {std::string(string_at(one, "path")), value == nullptr ? Json("") : typed_value(*value)});
    }
  }
  return {};
}

Result<ModifierRule> parse_rule(const Json& json, std::size_t number) {
  const std::string where = fmt::format("resourceModifierRules[{}]", number);
  TRY(check_keys(json, where, {"conditions", "patches", "mergePatches", "strategicPatches"}));
  ModifierRule rule;
  const Json* conditions = find(json, "conditions");
  if (conditions == nullptr) return Error(Code::InvalidArgument, "{} has no conditions", where);
  TRY(parse_conditions(*conditions, where + ".conditions", rule));
  int kinds = 0;
  if (const Json* patches = find(json, "patches")) {
    rule.patches = TRY(parse_operations(*patches, where));
    ++kinds;
  }
  if (const Json* patches = find(json, "mergePatches")) {
    rule.merge_patches = TRY(parse_patch_data(*patches, where + ".mergePatches"));
    ++kinds;
  }
  if (const Json* patches = find(json, "strategicPatches")) {
    rule.strategic_patches = TRY(parse_patch_data(*patches, where + ".strategicPatches"));
    ++kinds;
  }
  if (kinds > 1) {
    return Error(
        Code::InvalidArgument,
        "{}: only one of patches, mergePatches, strategicPatches can be specified in a single rule",
        where);
  }
  return rule;
}

bool holds(const MatchRule& match, const Json& object) {
  JsonArray test;
  test.emplace_back(JsonObject{{"op", "test"}, {"path", match.path}, {"value", match.value}});
  return kube::json_patch(object, Json(std::move(test))).has_value();
}

// Velero's glob with "." as the separator: "*" is "pods" and not "deployments.apps", which "*.*"
// is.
bool matches_kind(const std::string& pattern, std::string_view kind) {
  if (pattern.find("**") != std::string::npos) return glob_match(pattern, kind);
  const std::vector<std::string_view> wanted = split(pattern, '.');
  const std::vector<std::string_view> given = split(kind, '.');
  return std::equal(wanted.begin(), wanted.end(), given.begin(), given.end(),
                    [](std::string_view a, std::string_view b) { return glob_match(a, b); });
}

bool applies(const ModifierRule& rule,
             std::string_view kind,
             std::string_view ns,
             const Json& object) {
  if (!matches_kind(rule.group_resource, kind)) return false;
  const model::StringList& namespaces = rule.namespaces;
  if (!namespaces.empty() &&
      std::none_of(namespaces.begin(), namespaces.end(),
                   [ns](const std::string& pattern) { return glob_match(pattern, ns); })) {
    return false;
  }
  if (!Pattern::matches(rule.name_pattern, std::string(kube::name_of(object)))) return false;
  if (rule.label_selector) {
    model::StringMap labels;
    if (const JsonObject* own = kube::labels_of(object)) {
      for (const auto& [key, value] : *own)
        labels[std::string(key)] = as_text(&value);
    }
    if (!rule.label_selector->matches(labels)) return false;
  }
  return std::all_of(rule.matches.begin(), rule.matches.end(),
                     [&object](const MatchRule& match) { return holds(match, object); });
}

// One rule's operations, all or none. A `test` that does not hold is a condition, not an error: the
// object is then given back as it was.
Result<Json> patched_by(const JsonArray& operations, const Json& object) {
  Json now = object;
  for (const Json& one : operations) {
    auto next = kube::json_patch(now, Json(JsonArray{one}));
    if (!next && string_at(one, "op") == "test") return object;
    now = TRY(std::move(next));
  }
  return now;
}

Result<Json> strategically_patched(Json object, const Json& patch, std::string_view kind) {
  if (!has_merge_rules(kind)) {
    return Error(Code::Unsupported, "{} is a custom resource: use mergePatches or patches for it",
                 kind);
  }
  return kube::strategic_merge_patch(std::move(object), patch, BuiltInMergeSchema(kind));
}

}  // namespace

Result<Modifiers> Modifiers::from_config_map(const Json& config_map) {
  const JsonObject* data = object_at(config_map, "data");
  if (data == nullptr || data->size() != 1) {
    return Error(
        Code::InvalidArgument,
        "illegal resource modifiers ConfigMap {}: it must have exactly one key, and has {}",
        kube::object_key(config_map), data == nullptr ? 0 : data->size());
  }
  return parse(as_text(&data->begin()->value()));
}

Result<Modifiers> Modifiers::parse(std::string_view yaml) {
  const Json document = TRY(parse_yaml(yaml).wrap("resource modifiers"));
  TRY(check_keys(document, "resource modifiers", {"version", "resourceModifierRules"}));
  if (string_at(document, "version") != "v1") {
    return Error(Code::InvalidArgument,
                 "resource modifiers: unsupported version \"{}\", it must be v1",
                 string_at(document, "version"));
  }
  Modifiers modifiers;
  const JsonArray* rules = array_at(document, "resourceModifierRules");
  if (rules == nullptr) return modifiers;
  for (const Json& rule : *rules) {
    modifiers.rules_.push_back(TRY(parse_rule(rule, modifiers.rules_.size())));
  }
  return modifiers;
}

std::vector<std::string> Modifiers::apply(std::string_view kind,
                                          std::string_view ns,
                                          Json& object) const {
  std::vector<std::string> errors;
  if (rules_.empty()) return errors;
  const Json original = object;
  for (const ModifierRule& rule : rules_) {
    if (!applies(rule, kind, ns, original)) continue;
    if (!rule.patches.empty()) {
      auto patched = patched_by(rule.patches, object);
      if (patched) {
        object = std::move(*patched);
      } else {
        errors.push_back(
            fmt::format("error in applying JSON Patch: {}", patched.error().message()));
      }
    }
    for (const Json& patch : rule.merge_patches)
      object = kube::merge_patch(std::move(object), patch);
    for (const Json& patch : rule.strategic_patches) {
      auto patched = strategically_patched(object, patch, kind);
      if (patched) {
        object = std::move(*patched);
      } else {
        errors.push_back(
            fmt::format("error in applying Strategic Patch: {}", patched.error().message()));
      }
    }
  }
  return errors;
}

}  // namespace lateen::restore
