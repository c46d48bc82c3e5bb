#include "cli/plugin_image.h"

#include <algorithm>

#include "model/names.h"

namespace lateen::cli {
namespace {

constexpr std::string_view kVolume = "plugins";
constexpr std::string_view kContainer = "velero";

JsonArray& list_at(Json& object, std::string_view path) {
  Json& list = ensure(object, path);
  if (!list.is_array()) list = JsonArray();
  return list.as_array();
}

bool has_name(const Json& one, std::string_view name) {
  return string_at(one, "name") == name;
}

// The volume, and where the server's container finds it.
Status add_volume(Json& deployment) {
  constexpr std::string_view kVolumes = "spec.template.spec.volumes";
  const JsonArray& there = list_at(deployment, kVolumes);
  const bool is_there = std::any_of(there.begin(), there.end(),
                                    [](const Json& one) { return has_name(one, kVolume); });
  if (is_there) return {};
  JsonArray& containers = list_at(deployment, "spec.template.spec.containers");
  const auto server = std::find_if(containers.begin(), containers.end(),
                                   [](const Json& one) { return has_name(one, kContainer); });
  if (server == containers.end()) {
    return Error(Code::NotFound, "velero container not found in velero deployment");
  }
  list_at(*server, "volumeMounts")
      .push_back(JsonObject{{"mountPath", "/plugins"}, {"name", kVolume}});
  list_at(deployment, kVolumes)
      .push_back(JsonObject{{"emptyDir", JsonObject()}, {"name", kVolume}});
  return {};
}

}  // namespace

// Velero's rule: what stands before the first slash is a registry if another slash follows (or
// nothing does); tag and digest go; a container's name has no other signs than '-'.
std::string plugin_container_name(std::string_view image) {
  const std::size_t slash = image.find('/');
  const bool has_registry = slash != std::string_view::npos &&
                            (slash == 0 || image.find('/', slash + 1) != std::string_view::npos);
  const std::size_t begin = has_registry ? slash + 1 : 0;
  std::size_t end = image.size();
  if (const std::size_t digest = image.rfind('@'); digest != std::string_view::npos && digest > 0) {
    end = digest;
  } else if (const std::size_t tag = image.rfind(':'); tag != std::string_view::npos && tag > 0) {
    end = tag;
  }
  std::string name(end > begin ? image.substr(begin, end - begin) : std::string_view());
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '_' || c == '.'; }, '-');
  return model::valid_name(name);
}

Result<Json> with_plugin(Json deployment, std::string_view image, std::string_view pull_policy) {
  TRY(add_volume(deployment));
  list_at(deployment, "spec.template.spec.initContainers")
      .push_back(
          {{"image", image},
           {"imagePullPolicy", pull_policy},
           {"name", plugin_container_name(image)},
           {"resources", JsonObject()},
           {"volumeMounts", JsonArray{JsonObject{{"mountPath", "/target"}, {"name", kVolume}}}}});
  return deployment;
}

Result<Json> without_plugin(Json deployment, std::string_view name_or_image) {
  JsonArray& containers = list_at(deployment, "spec.template.spec.initContainers");
  const auto found = std::find_if(containers.begin(), containers.end(), [&](const Json& one) {
    return has_name(one, name_or_image) || string_at(one, "image") == name_or_image;
  });
  if (found == containers.end()) {
    return Error(Code::NotFound, "init container {} not found in Velero server deployment",
                 name_or_image);
  }
  containers.erase(found);
  return deployment;
}

}  // namespace lateen::cli
