#include "bench/objects.h"

#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "base/encoding.h"

namespace lateen::bench {
namespace {

constexpr std::size_t kLargeValue = 100 * 1024;
constexpr std::size_t kHugeValue =
    1000 * 1024;  // with all else just below a MiB, the API server's limit

// Text as configuration is: words that repeat, with numbers that do not. Packs to about a third,
// as Kubernetes objects do.
std::string text(std::size_t seed, std::size_t size) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "timeout: ",          "enabled: true\n", "replicas: ",
      "endpoint: https://", "level=info ",     "/var/lib/",
      "max_connections = ", "\n  - name: ",    "shard-",
      "bookstore.example",  "region=eu-",      "checksum/",
      "retry after ",       "user=",           "{{ .Values.image }}\n",
      "cpu: 250m\n"};
  std::string out;
  out.reserve(size + 32);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  while (out.size() < size) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    out += kWords[(state >> 33) % kWords.size()];
    fmt::format_to(std::back_inserter(out), "{:x} ", (state >> 40) & 0xFFFFF);
  }
  out.resize(size);
  return out;
}

std::string quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string metadata(std::string_view ns, std::string_view name, std::size_t index) {
  return fmt::format(
      R"("metadata":{{"name":"{}","namespace":"{}","labels":{{"app.kubernetes.io/name":"app-{}","app.kubernetes.io/part-of":"bench","tier":"t{}"}},"annotations":{{"bench.lateen.example/owner":"team-{}@example.org"}}}})",
      name, ns, index % 97, index % 3, index % 41);
}

std::string config_map(std::string_view meta, std::size_t index, std::size_t size) {
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"ConfigMap",{},"data":{{"app.yaml":{},"mode":"m{}"}}}})", meta,
      quoted(text(index, size)), index % 7);
}

std::string secret(std::string_view meta, std::size_t index) {
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"Secret",{},"type":"Opaque","data":{{"password":"{}","ca.crt":"{}"}}}})",
      meta, base64_encode(text(index, 24)), base64_encode(text(index + 1, 300)));
}

std::string service(std::string_view meta, std::size_t index) {
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"Service",{},"spec":{{"selector":{{"app.kubernetes.io/name":"app-{}"}},"ports":[{{"name":"http","port":80,"targetPort":8080,"protocol":"TCP"}}]}}}})",
      meta, index % 97);
}

std::string deployment(std::string_view meta, std::size_t index) {
  return fmt::format(
      R"({{"apiVersion":"apps/v1","kind":"Deployment",{0},"spec":{{"replicas":0,"selector":{{"matchLabels":{{"app":"d{1}"}}}},"template":{{"metadata":{{"labels":{{"app":"d{1}"}}}},"spec":{{"containers":[{{"name":"web","image":"registry.example/web:1.{2}","ports":[{{"containerPort":8080}}],"env":[{{"name":"LEVEL","value":"info"}}],"resources":{{"requests":{{"cpu":"100m","memory":"64Mi"}}}}}}]}}}}}}}})",
      meta, index, index % 20);
}

std::string pod(std::string_view meta, std::size_t index) {
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"Pod",{0},"spec":{{"serviceAccountName":"default","containers":[{{"name":"web","image":"registry.example/web:1.{1}","command":["sleep","infinity"],"env":[{{"name":"LEVEL","value":"info"}},{{"name":"SHARD","value":"{2}"}}],"volumeMounts":[{{"name":"config","mountPath":"/etc/web"}},{{"name":"scratch","mountPath":"/tmp"}}],"resources":{{"requests":{{"cpu":"100m","memory":"64Mi"}},"limits":{{"memory":"128Mi"}}}}}}],"volumes":[{{"name":"config","configMap":{{"name":"web-config"}}}},{{"name":"scratch","emptyDir":{{}}}}],"tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}]}}}})",
      meta, index % 20, index);
}

std::string role(std::string_view meta) {
  return fmt::format(
      R"({{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role",{},"rules":[{{"apiGroups":[""],"resources":["configmaps"],"verbs":["get","list"]}}]}})",
      meta);
}

std::string role_binding(std::string_view meta, std::string_view ns) {
  return fmt::format(
      R"({{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding",{},"roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"role"}},"subjects":[{{"kind":"ServiceAccount","name":"default","namespace":"{}"}}]}})",
      meta, ns);
}

std::string widget(std::string_view meta, std::size_t index) {
  return fmt::format(
      R"({{"apiVersion":"bench.lateen.example/v1","kind":"Widget",{},"spec":{{"size":{},"colour":"c{}","notes":{}}}}})",
      meta, index % 100, index % 9, quoted(text(index, 200)));
}

}  // namespace

std::string namespace_name(std::size_t index) {
  return fmt::format("bench-{:02}", index % kNamespaces + 1);
}

BenchObject make_object(std::size_t index) {
  // 500 objects hold the whole mix; consecutive ones go to different namespaces.
  const std::size_t slot = index % 500;
  const std::string ns = namespace_name(index + index / 500);
  const auto at = [&ns](std::string_view group, std::string_view version, std::string_view plural) {
    return kube::ObjectPath{.gvr = {std::string(group), std::string(version), std::string(plural)},
                            .ns = ns};
  };
  const auto named = [&](std::string_view prefix) {
    return metadata(ns, fmt::format("{}-{:06}", prefix, index), index);
  };
  if (slot < 150) {
    const std::size_t large = slot == 0 && index % 5000 == 0 ? kHugeValue : kLargeValue;
    return {at("", "v1", "configmaps"), config_map(named("cm"), index, slot < 3 ? large : 400)};
  }
  if (slot < 250) return {at("", "v1", "secrets"), secret(named("secret"), index)};
  if (slot < 290) return {at("", "v1", "services"), service(named("svc"), index)};
  if (slot < 320) return {at("apps", "v1", "deployments"), deployment(named("web"), index)};
  if (slot < 350) return {at("", "v1", "pods"), pod(named("pod"), index)};
  if (slot < 375) {
    return {at("", "v1", "serviceaccounts"),
            fmt::format(R"({{"apiVersion":"v1","kind":"ServiceAccount",{}}})", named("sa"))};
  }
  if (slot < 387) return {at("rbac.authorization.k8s.io", "v1", "roles"), role(named("role"))};
  if (slot < 400) {
    return {at("rbac.authorization.k8s.io", "v1", "rolebindings"), role_binding(named("rb"), ns)};
  }
  return {at("bench.lateen.example", "v1", "widgets"), widget(named("widget"), index)};
}

BenchObject make_secret(std::size_t index) {
  const std::string ns = namespace_name(index);
  return {{.gvr = {"", "v1", "secrets"}, .ns = ns},
          secret(metadata(ns, fmt::format("secret-{:06}", index), index), index)};
}

Bytes widget_definition() {
  return R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.bench.lateen.example"},"spec":{"group":"bench.lateen.example","scope":"Namespaced","names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer"},"colour":{"type":"string"},"notes":{"type":"string"}}}}}}}]}})";
}

}  // namespace lateen::bench
