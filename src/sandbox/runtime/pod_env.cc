#include "sandbox/runtime/pod_env.h"

#include "base/encoding.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"

namespace lateen::sandbox {
namespace {

using kube::GroupVersionResource;

// The pod a lookup is made for, so that functions stay short.
struct Source {
  Api& api;
  std::string ns;
};

struct DataKind {
  const GroupVersionResource& gvr;
  std::string_view word;  // as kubelet's messages call it
  bool encoded;           // base64
};

const DataKind kConfigMapData{.gvr = resources::kConfigMaps, .word = "ConfigMap", .encoded = false};
const DataKind kSecretData{.gvr = resources::kSecrets, .word = "Secret", .encoded = true};

Result<Bytes> decoded(const DataKind& kind, const Json& value) {
  if (!kind.encoded) return Bytes(as_text(&value));
  return base64_decode(as_text(&value));
}

Result<std::optional<Bytes>> data_key(const Source& source,
                                      const DataKind& kind,
                                      const Json& selector) {
  const std::string_view name = string_at(selector, "name");
  const std::string_view key = string_at(selector, "key");
  const bool optional = bool_at(selector, "optional").value_or(false);
  auto object = source.api.get(kind.gvr, source.ns, name);
  if (!object && optional && object.error().is(Code::NotFound)) return std::optional<Bytes>();
  if (!object) return Error(object.error());
  const Json* value = find(find(*object, "data"), JsonKey{key});
  if (value != nullptr) return std::optional<Bytes>(TRY(decoded(kind, *value)));
  if (optional) return std::optional<Bytes>();
  return Error(Code::NotFound, "couldn't find key {} in {} {}/{}", key, kind.word, source.ns, name);
}

Status add_all(const Source& source,
               const DataKind& kind,
               const Json& reference,
               std::string_view prefix,
               Variables& out) {
  const std::string_view name = string_at(reference, "name");
  auto object = source.api.get(kind.gvr, source.ns, name);
  if (!object && object.error().is(Code::NotFound) &&
      bool_at(reference, "optional").value_or(false))
    return Status();
  if (!object) return Error(object.error());
  const JsonObject* data = object_at(*object, "data");
  if (data == nullptr) return Status();
  for (const auto& [key, value] : *data) {
    out[fmt::format("{}{}", prefix, std::string_view(key))] = TRY(decoded(kind, value));
  }
  return Status();
}

Result<std::optional<Bytes>> referenced(const Source& source,
                                        const Json& pod,
                                        const Json& container,
                                        const Json& from,
                                        const PodAddress& address) {
  if (const Json* ref = find(from, "configMapKeyRef"))
    return data_key(source, kConfigMapData, *ref);
  if (const Json* ref = find(from, "secretKeyRef")) return data_key(source, kSecretData, *ref);
  if (const Json* ref = find(from, "fieldRef")) {
    return std::optional<Bytes>(TRY(pod_field(pod, string_at(*ref, "fieldPath"), address)));
  }
  if (const Json* ref = find(from, "resourceFieldRef")) {
    return std::optional<Bytes>(TRY(
        container_resource(container, string_at(*ref, "resource"), string_at(*ref, "divisor"))));
  }
  return Error(Code::InvalidArgument, "an env valueFrom that is not known here");
}

}  // namespace

std::string expand_variables(std::string_view text, const Variables& variables) {
  std::string out;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    text.remove_prefix(dollar);
    if (text.starts_with("$$")) {
      out += '$';
      text.remove_prefix(2);
      continue;
    }
    const std::size_t close = text.find(')');
    if (!text.starts_with("$(") || close == std::string_view::npos) {
      out += '$';
      text.remove_prefix(1);
      continue;
    }
    const auto variable = variables.find(text.substr(2, close - 2));
    out += variable == variables.end() ? text.substr(0, close + 1)
                                       : std::string_view(variable->second);
    text.remove_prefix(close + 1);
  }
  return out;
}

Result<Variables> container_variables(Api& api,
                                      const Json& pod,
                                      const Json& container,
                                      const PodAddress& address) {
  const Source source{.api = api, .ns = std::string(kube::namespace_of(pod))};
  Variables out;
  if (const JsonArray* all = array_at(container, "envFrom")) {
    for (const Json& from : *all) {
      const std::string_view prefix = string_at(from, "prefix");
      if (const Json* ref = find(from, "configMapRef"))
        TRY(add_all(source, kConfigMapData, *ref, prefix, out));
      if (const Json* ref = find(from, "secretRef"))
        TRY(add_all(source, kSecretData, *ref, prefix, out));
    }
  }
  const JsonArray* env = array_at(container, "env");
  if (env == nullptr) return out;
  for (const Json& entry : *env) {
    const std::string name(string_at(entry, "name"));
    const Json* from = find(entry, "valueFrom");
    if (from == nullptr) {
      out[name] = expand_variables(string_at(entry, "value"), out);
      continue;
    }
    auto value = TRY(referenced(source, pod, container, *from, address));
    if (value) out[name] = std::move(*value);
  }
  return out;
}

std::vector<std::string> container_command(const Json& container, const Variables& variables) {
  std::vector<std::string> out;
  const JsonArray* command = array_at(container, "command");
  if (command == nullptr || command->empty()) return out;
  for (const Json& word : *command)
    out.push_back(expand_variables(as_text(&word), variables));
  for (std::string& word : container_arguments(container, variables))
    out.push_back(std::move(word));
  return out;
}

std::vector<std::string> container_arguments(const Json& container, const Variables& variables) {
  std::vector<std::string> out;
  const JsonArray* words = array_at(container, "args");
  if (words == nullptr) return out;
  for (const Json& word : *words)
    out.push_back(expand_variables(as_text(&word), variables));
  return out;
}

}  // namespace lateen::sandbox
