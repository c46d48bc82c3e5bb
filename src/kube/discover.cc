// Asking a server what it serves: two requests where it knows aggregated discovery (Kubernetes 1.26
// and newer), else one for each group version.
#include <algorithm>

#include "base/thread.h"
#include "kube/client.h"
#include "kube/discovery.h"

namespace lateen::kube {
namespace {

constexpr std::string_view kAccept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json";

constexpr std::size_t kLegacyThreads = 8;

Result<Json> ask(Client& client, std::string_view path, std::stop_token stop) {
  const Bytes body = TRY(client.get_path(path, {.accept = std::string(kAccept)}, stop));
  return parse_json(body).wrap("reading the answer to {}", path);
}

// The preferred version first: what an APIGroupList says beside the order.
std::vector<std::string> versions_of(const Json& group) {
  std::vector<std::string> versions;
  const std::string_view preferred = string_at(group, "preferredVersion.version");
  if (!preferred.empty()) versions.emplace_back(preferred);
  if (const JsonArray* list = array_at(group, "versions")) {
    for (const Json& version : *list) {
      const std::string_view name = string_at(version, "version");
      if (name != preferred) versions.emplace_back(name);
    }
  }
  return versions;
}

std::string path_of(const GroupVersion& gv) {
  return (gv.group.empty() ? "/api/" : "/apis/") + gv.api_version();
}

// The groups that the plain answers to /api and /apis name.
void add_legacy_groups(const Json& document, DiscoveryParts& parts) {
  if (const JsonArray* versions = array_at(document, "versions")) {
    ApiGroup core;
    for (const Json& version : *versions)
      core.versions.emplace_back(as_text(&version));
    parts.groups.push_back(std::move(core));
  }
  if (const JsonArray* groups = array_at(document, "groups")) {
    for (const Json& group : *groups) {
      parts.groups.push_back(
          {.name = std::string(string_at(group, "name")), .versions = versions_of(group)});
    }
  }
}

// One request for each group version, eight at a time; kept in their order.
Status read_resource_lists(Client& client,
                           const std::vector<GroupVersion>& wanted,
                           DiscoveryParts& parts,
                           std::stop_token stop) {
  std::vector<DiscoveryParts> found(wanted.size());
  TRY(parallel_for(
      wanted.size(), kLegacyThreads,
      [&](std::size_t i, std::stop_token inner) -> Status {
        auto document = ask(client, path_of(wanted[i]), inner);
        Status added =
            document ? add_resource_list(*document, found[i]) : Status(std::move(document).error());
        if (!added && added.error().is(Code::Canceled)) return added;
        if (!added) {
          found[i].failures.push_back(
              {.group_version = wanted[i], .message = added.error().message()});
        }
        return {};
      },
      stop));
  for (DiscoveryParts& part : found) {
    std::move(part.types.begin(), part.types.end(), std::back_inserter(parts.types));
    std::move(part.failures.begin(), part.failures.end(), std::back_inserter(parts.failures));
  }
  return {};
}

}  // namespace

Result<Discovery> discover(Client& client, std::stop_token stop) {
  DiscoveryParts parts;
  std::vector<GroupVersion> legacy;
  std::optional<Error> failure;
  int answered = 0;
  for (const std::string_view root : {"/api", "/apis"}) {
    auto document = ask(client, root, stop);
    if (!document) {
      // A server without the core group (an aggregated one) or without groups is still a server.
      if (!document.error().is(Code::NotFound))
        return std::move(document).error().wrap("discovering what is served");
      failure = std::move(document).error();
      continue;
    }
    ++answered;
    if (string_at(*document, "kind") == "APIGroupDiscoveryList") {
      TRY(add_aggregated(*document, parts));
      continue;
    }
    const std::size_t first = parts.groups.size();
    add_legacy_groups(*document, parts);
    for (std::size_t i = first; i < parts.groups.size(); ++i) {
      for (const std::string& version : parts.groups[i].versions) {
        legacy.push_back({.group = parts.groups[i].name, .version = version});
      }
    }
  }
  if (answered == 0) return std::move(*failure).wrap("discovering what is served");
  TRY(read_resource_lists(client, legacy, parts, stop));
  return Discovery(std::move(parts.groups), std::move(parts.types), std::move(parts.failures));
}

}  // namespace lateen::kube
