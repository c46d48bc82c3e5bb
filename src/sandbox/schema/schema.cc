#include "sandbox/schema/schema.h"

#include <algorithm>
#include <array>
#include <deque>

#include <fmt/format.h>

#include "base/result.h"
#include "sandbox/schema/kinds_reader.h"
#include "sandbox/schema/kinds_text.h"

namespace lateen::sandbox::schema {
namespace {

// What resources.kinds says. Resources lie in a deque: group versions point to them.
struct ResourceIndex {
  std::deque<Resource> resources;
  std::vector<GroupVersion> group_versions;
  std::deque<std::string> texts;

  ResourceIndex();
  void read_resource(const std::vector<std::string_view>& words);
  void read_subresource(const std::vector<std::string_view>& words);
};

ApiVersion stored_api_version(std::string_view text) {
  ApiVersion at = split_api_version(text);
  if (at.group == "-") at.group = {};
  return at;
}

ResourceIndex::ResourceIndex() {
  for (const std::string_view line : fact_lines(resource_text())) {
    const std::vector<std::string_view> words = words_of(line);
    if (words[0] == "group") {
      group_versions.push_back({.group = words[1] == "-" ? std::string_view() : words[1],
                                .version = words[2],
                                .resources = {}});
    } else if (words[0].starts_with('/')) {
      read_subresource(words);
    } else {
      read_resource(words);
    }
  }
  for (GroupVersion& served : group_versions) {
    std::ranges::sort(served.resources, {},
                      [](const Resource* resource) { return resource->resource; });
  }
}

void ResourceIndex::read_resource(const std::vector<std::string_view>& words) {
  GroupVersion& served = group_versions.back();
  Resource& resource = resources.emplace_back();
  served.resources.push_back(&resource);
  resource.group = resource.storage_group = served.group;
  resource.version = resource.storage_version = served.version;
  resource.resource = words[0];
  resource.kind = words[1];
  resource.namespaced = words[2] == "ns";
  std::string& lower = texts.emplace_back(words[1]);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  resource.singular = lower;
  resource.verbs.assign(kAllVerbs.begin(), kAllVerbs.end());
  for (std::size_t i = 3; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (take_prefix(word, "singular=")) {
      resource.singular = word;
    } else if (take_prefix(word, "short=")) {
      resource.short_names = parts_of(word, ',');
    } else if (take_prefix(word, "cat=")) {
      resource.categories = parts_of(word, ',');
    } else if (take_prefix(word, "verbs=")) {
      resource.verbs = parts_of(word, ',');
    } else if (take_prefix(word, "stored=")) {
      const ApiVersion at = stored_api_version(word);
      resource.storage_group = at.group;
      resource.storage_version = at.version;
    } else {
      LATEEN_ASSERT(word == "virtual", "resources.kinds says which words a resource may have");
      resource.virtual_only = true;
    }
  }
}

void ResourceIndex::read_subresource(const std::vector<std::string_view>& words) {
  Resource& resource = resources.back();
  Subresource& sub = resource.subresources.emplace_back();
  sub.name = words[0].substr(1);
  sub.group = resource.group;
  sub.version = resource.version;
  sub.kind = words[1];
  if (const std::size_t colon = words[1].find(':'); colon != std::string_view::npos) {
    const ApiVersion at = split_api_version(words[1].substr(0, colon));
    sub.group = at.group;
    sub.version = at.version;
    sub.kind = words[1].substr(colon + 1);
  }
  sub.verbs = parts_of(words[2], ',');
}

const ResourceIndex& resource_index() {
  static const ResourceIndex index;
  return index;
}

}  // namespace

bool Subresource::has_verb(std::string_view verb) const {
  return std::ranges::find(verbs, verb) != verbs.end();
}

bool Resource::has_verb(std::string_view verb) const {
  return std::ranges::find(verbs, verb) != verbs.end();
}

const Subresource* Resource::find_subresource(std::string_view wanted) const {
  const auto found = std::ranges::find(subresources, wanted, &Subresource::name);
  return found == subresources.end() ? nullptr : &*found;
}

std::string Resource::api_version() const {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

std::span<const GroupVersion> group_versions() {
  return resource_index().group_versions;
}

const Resource* find_resource(std::string_view group,
                              std::string_view version,
                              std::string_view plural) {
  for (const Resource& resource : resource_index().resources) {
    if (resource.resource == plural && resource.group == group && resource.version == version)
      return &resource;
  }
  return nullptr;
}

const Resource* find_kind(std::string_view group, std::string_view version, std::string_view kind) {
  for (const Resource& resource : resource_index().resources) {
    if (resource.kind == kind && resource.group == group && resource.version == version)
      return &resource;
  }
  return nullptr;
}

ApiVersion split_api_version(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  if (slash == std::string_view::npos) return {.group = {}, .version = api_version};
  return {.group = api_version.substr(0, slash), .version = api_version.substr(slash + 1)};
}

}  // namespace lateen::sandbox::schema
