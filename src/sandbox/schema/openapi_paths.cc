#include "sandbox/schema/openapi_paths.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

constexpr std::string_view kStatusSchema = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
constexpr std::string_view kDeleteSchema = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
constexpr std::string_view kPatchSchema = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";

struct QueryParameter {
  std::string_view name;
  std::string_view type;
  std::string_view description;
};

constexpr QueryParameter kPretty = {"pretty", "string", "Whether the answer is indented."};

constexpr QueryParameter kDryRun = {"dryRun", "string",
                                    "All: check everything, and store nothing."};

constexpr QueryParameter kFieldManager = {"fieldManager", "string",
                                          "Who makes this change, for managedFields."};

constexpr QueryParameter kFieldValidation = {
    "fieldValidation", "string", "What unknown and duplicate fields mean: Ignore, Warn or Strict."};

constexpr QueryParameter kForce = {"force", "boolean",
                                   "Take fields over from other managers (apply only)."};

constexpr std::array kWriteQuery = {kDryRun, kFieldManager, kFieldValidation};
constexpr std::array kPatchQuery = {kDryRun, kFieldManager, kFieldValidation, kForce};

constexpr QueryParameter kGracePeriod = {"gracePeriodSeconds", "integer",
                                         "How long the object may take to stop."};

constexpr QueryParameter kPropagation = {
    "propagationPolicy", "string", "What happens to dependents: Orphan, Background or Foreground."};

constexpr std::array kDeleteQuery = {kDryRun, kGracePeriod, kPropagation};

constexpr std::array kListQuery = {
    QueryParameter{"allowWatchBookmarks", "boolean", "A watch may send bookmarks."},
    QueryParameter{"continue", "string", "Where an earlier page ended."},
    QueryParameter{"fieldSelector", "string", "Only objects with these field values."},
    QueryParameter{"labelSelector", "string", "Only objects with these labels."},
    QueryParameter{"limit", "integer", "How many objects a page may have."},
    QueryParameter{"resourceVersion", "string", "The state of the store that is asked for."},
    QueryParameter{"resourceVersionMatch", "string", "Exact or NotOlderThan."},
    QueryParameter{"sendInitialEvents", "boolean", "A watch first sends what is there."},
    QueryParameter{"timeoutSeconds", "integer", "When the server ends the answer."},
    QueryParameter{"watch", "boolean", "Send the changes as they happen."}};

// Writes the operations of one document form.
class PathWriter {
 public:
  PathWriter(OpenApiForm form, const PathResource& resource, JsonObject& paths)
      : form_(form), resource_(resource), paths_(paths) {}

  void write() {
    const std::string root = resource_.group.empty()
                                 ? fmt::format("/api/{}", resource_.version)
                                 : fmt::format("/apis/{}/{}", resource_.group, resource_.version);
    const std::string home = resource_.namespaced ? root + "/namespaces/{namespace}/" : root + "/";
    const std::string collection = home + resource_.plural;
    if (resource_.namespaced && has("list")) {
      write_path(fmt::format("{}/{}", root, resource_.plural), {},
                 {{"get", list("ForAllNamespaces")}});
    }
    write_collection(collection);
    write_object(collection + "/{name}");
    for (const PathSubresource& sub : resource_.subresources)
      write_subresource(collection + "/{name}/", sub);
  }

 private:
  using Operations = std::vector<std::pair<std::string_view, Json>>;

  struct OperationSpec {
    std::string_view action;  // x-kubernetes-action
    std::string id;
    std::string description;
    std::span<const QueryParameter> query;
    std::string_view body_schema;
    std::string_view answer_schema;
    bool created = false;  // may answer 201
  };

  bool has(std::string_view verb) const {
    return std::ranges::find(resource_.verbs, verb) != resource_.verbs.end();
  }

  std::string operation_id(std::string_view verb, std::string_view suffix) const {
    std::string group;
    for (const char c : resource_.group.substr(0, resource_.group.find('.')))
      group += c;
    if (group.empty()) group = "core";
    group[0] = static_cast<char>(std::toupper(group[0]));
    std::string version = resource_.version;
    version[0] = static_cast<char>(std::toupper(version[0]));
    const bool inside = resource_.namespaced && suffix != "ForAllNamespaces";
    return fmt::format("{}{}{}{}{}{}", verb, group, version, inside ? "Namespaced" : "",
                       resource_.kind, suffix);
  }

  Json list(std::string_view suffix) {
    return operation(
        {.action = "list",
         .id = operation_id("list", suffix),
         .description = fmt::format("list or watch objects of kind {}", resource_.kind),
         .query = kListQuery,
         .body_schema = {},
         .answer_schema = resource_.list_schema_name});
  }

  void write_collection(const std::string& path) {
    Operations operations;
    if (has("list")) operations.emplace_back("get", list(""));
    if (has("create")) {
      operations.emplace_back("post",
                              operation({.action = "post",
                                         .id = operation_id("create", ""),
                                         .description = fmt::format("create a {}", resource_.kind),
                                         .query = kWriteQuery,
                                         .body_schema = resource_.schema_name,
                                         .answer_schema = resource_.schema_name,
                                         .created = true}));
    }
    if (has("deletecollection")) {
      operations.emplace_back(
          "delete",
          operation({.action = "deletecollection",
                     .id = operation_id("deleteCollection", ""),
                     .description = fmt::format("delete collection of {}", resource_.kind),
                     .query = kDeleteQuery,
                     .body_schema = kDeleteSchema,
                     .answer_schema = kStatusSchema}));
    }
    write_path(path, resource_.namespaced ? std::vector{"namespace"} : std::vector<const char*>{},
               std::move(operations));
  }

  void write_object(const std::string& path) {
    Operations operations;
    const std::string_view schema = resource_.schema_name;
    if (has("get")) operations.emplace_back("get", read("", "", schema));
    if (has("update")) operations.emplace_back("put", replace("", schema));
    if (has("delete")) {
      operations.emplace_back("delete",
                              operation({.action = "delete",
                                         .id = operation_id("delete", ""),
                                         .description = fmt::format("delete a {}", resource_.kind),
                                         .query = kDeleteQuery,
                                         .body_schema = kDeleteSchema,
                                         .answer_schema = kStatusSchema}));
    }
    if (has("patch")) operations.emplace_back("patch", patch("", schema));
    write_path(path, object_parameters(), std::move(operations));
  }

  void write_subresource(const std::string& home, const PathSubresource& sub) {
    kind_ = &sub;
    const auto has_verb = [&sub](std::string_view verb) {
      return std::ranges::find(sub.verbs, verb) != sub.verbs.end();
    };
    std::string suffix = sub.name;
    suffix[0] = static_cast<char>(std::toupper(suffix[0]));
    Operations operations;
    if (has_verb("get")) operations.emplace_back("get", read(sub.name, suffix, sub.schema_name));
    if (has_verb("update")) operations.emplace_back("put", replace(suffix, sub.schema_name));
    if (has_verb("create")) {
      operations.emplace_back(
          "post",
          operation({.action = sub.schema_name.empty() ? "connect" : "post",
                     .id = operation_id("create", suffix),
                     .description = fmt::format("create {} of a {}", sub.name, resource_.kind),
                     .query = kWriteQuery,
                     .body_schema = sub.schema_name,
                     .answer_schema = sub.schema_name,
                     .created = true}));
    }
    if (has_verb("patch")) operations.emplace_back("patch", patch(suffix, sub.schema_name));
    write_path(home + sub.name, object_parameters(), std::move(operations));
    kind_ = nullptr;
  }

  Json read(std::string_view what, std::string_view suffix, std::string_view schema) {
    return operation({.action = "get",
                      .id = operation_id("read", suffix),
                      .description = fmt::format("read {}{}the specified {}", what,
                                                 what.empty() ? "" : " of ", resource_.kind),
                      .query = {},
                      .body_schema = {},
                      .answer_schema = schema});
  }

  Json replace(std::string_view suffix, std::string_view schema) {
    return operation({.action = "put",
                      .id = operation_id("replace", suffix),
                      .description = fmt::format("replace the specified {}", resource_.kind),
                      .query = kWriteQuery,
                      .body_schema = schema,
                      .answer_schema = schema,
                      .created = true});
  }

  Json patch(std::string_view suffix, std::string_view schema) {
    return operation(
        {.action = "patch",
         .id = operation_id("patch", suffix),
         .description = fmt::format("partially update the specified {}", resource_.kind),
         .query = kPatchQuery,
         .body_schema = kPatchSchema,
         .answer_schema = schema,
         .created = true});
  }

  std::vector<const char*> object_parameters() const {
    return resource_.namespaced ? std::vector{"name", "namespace"} : std::vector{"name"};
  }

  Json reference(std::string_view schema) const {
    return JsonObject{{"$ref", schema_reference(form_, schema)}};
  }

  // In v3 the type stands in a schema of its own.
  Json parameter(std::string_view name,
                 std::string_view in,
                 std::string_view type,
                 std::string_view description) const {
    JsonObject parameter{{"name", name}, {"in", in}, {"description", description}};
    if (in == "path") parameter.emplace("required", true);
    if (form_ == OpenApiForm::V2) {
      parameter.emplace("type", type);
      parameter.emplace("uniqueItems", true);
    } else {
      parameter.emplace("schema", JsonObject{{"type", type}, {"uniqueItems", true}});
    }
    return parameter;
  }

  Json answer(std::string_view description, std::string_view schema) const {
    JsonObject answer{{"description", description}};
    if (schema.empty()) return answer;
    if (form_ == OpenApiForm::V2) {
      answer.emplace("schema", reference(schema));
    } else {
      answer.emplace("content",
                     JsonObject{{"application/json", JsonObject{{"schema", reference(schema)}}}});
    }
    return answer;
  }

  Json operation(const OperationSpec& spec) const {
    JsonArray parameters;
    JsonObject operation{{"description", spec.description}, {"operationId", spec.id}};
    if (!spec.body_schema.empty()) {
      const bool optional = spec.body_schema == kDeleteSchema;
      if (form_ == OpenApiForm::V2) {
        JsonObject body{{"name", "body"}, {"in", "body"}, {"schema", reference(spec.body_schema)}};
        if (!optional) body.emplace("required", true);
        parameters.push_back(std::move(body));
      } else {
        JsonObject body{
            {"content", JsonObject{{"*/*", JsonObject{{"schema", reference(spec.body_schema)}}}}}};
        if (!optional) body.emplace("required", true);
        operation.emplace("requestBody", std::move(body));
      }
    }
    for (const QueryParameter& query : spec.query) {
      parameters.push_back(parameter(query.name, "query", query.type, query.description));
    }
    if (!parameters.empty()) operation.emplace("parameters", std::move(parameters));
    JsonObject answers{{"200", answer("OK", spec.answer_schema)}};
    if (spec.created) answers.emplace("201", answer("Created", spec.answer_schema));
    answers.emplace("401", answer("Unauthorized", {}));
    operation.emplace("responses", std::move(answers));
    operation.emplace("x-kubernetes-action", spec.action);
    operation.emplace("x-kubernetes-group-version-kind", group_version_kind());
    return operation;
  }

  Json group_version_kind() const {
    if (kind_ != nullptr)
      return JsonObject{
          {"group", kind_->group}, {"kind", kind_->kind}, {"version", kind_->version}};
    return JsonObject{
        {"group", resource_.group}, {"kind", resource_.kind}, {"version", resource_.version}};
  }

  void write_path(const std::string& path,
                  const std::vector<const char*>& variables,
                  Operations operations) {
    if (operations.empty()) return;
    JsonObject item;
    for (auto& [method, operation] : operations)
      item.emplace(method, std::move(operation));
    JsonArray parameters;
    for (const std::string_view variable : variables) {
      parameters.push_back(parameter(variable, "path", "string",
                                     fmt::format("{} of the {}", variable, resource_.kind)));
    }
    parameters.push_back(parameter(kPretty.name, "query", kPretty.type, kPretty.description));
    item.emplace("parameters", std::move(parameters));
    paths_.emplace(path, std::move(item));
  }

  OpenApiForm form_;
  const PathResource& resource_;
  JsonObject& paths_;
  const PathSubresource* kind_ = nullptr;  // while a subresource is written
};

constexpr std::array<std::string_view, 3> kSubresourceVerbs = {"get", "patch", "update"};

}  // namespace

PathResource path_resource(const Resource& resource) {
  const TypeTable& table = TypeTable::builtin();
  PathResource path{
      .group = std::string(resource.group),
      .version = std::string(resource.version),
      .plural = std::string(resource.resource),
      .kind = std::string(resource.kind),
      .schema_name = table.find(resource.group, resource.version, resource.kind)->schema_name,
      .list_schema_name = {},
      .namespaced = resource.namespaced,
      .verbs = resource.verbs,
      .subresources = {}};
  path.list_schema_name = path.schema_name + "List";
  for (const Subresource& sub : resource.subresources) {
    const Type* type = table.find(sub.group, sub.version, sub.kind);
    const bool speaks =
        type != nullptr && sub.kind.find("Options") == std::string_view::npos && sub.name != "log";
    path.subresources.push_back({.name = std::string(sub.name),
                                 .group = std::string(sub.group),
                                 .version = std::string(sub.version),
                                 .kind = std::string(sub.kind),
                                 .schema_name = speaks ? type->schema_name : std::string(),
                                 .verbs = sub.verbs});
  }
  return path;
}

PathResource path_resource(const CustomKind& custom) {
  PathResource path{.group = custom.group,
                    .version = custom.version,
                    .plural = custom.plural,
                    .kind = custom.kind,
                    .schema_name = custom.schema_name,
                    .list_schema_name = custom.schema_name + "List",
                    .namespaced = custom.namespaced,
                    .verbs = {kAllVerbs.begin(), kAllVerbs.end()},
                    .subresources = {}};
  const std::vector<std::string_view> verbs(kSubresourceVerbs.begin(), kSubresourceVerbs.end());
  if (custom.has_status) {
    path.subresources.push_back({.name = "status",
                                 .group = custom.group,
                                 .version = custom.version,
                                 .kind = custom.kind,
                                 .schema_name = custom.schema_name,
                                 .verbs = verbs});
  }
  if (custom.has_scale) {
    const Type* scale = TypeTable::builtin().find("autoscaling", "v1", "Scale");
    path.subresources.push_back({.name = "scale",
                                 .group = "autoscaling",
                                 .version = "v1",
                                 .kind = "Scale",
                                 .schema_name = scale->schema_name,
                                 .verbs = verbs});
  }
  return path;
}

void add_paths(OpenApiForm form, const PathResource& resource, JsonObject& paths) {
  PathWriter(form, resource, paths).write();
}

}  // namespace lateen::sandbox::schema
