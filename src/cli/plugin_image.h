// The init container that brings a plugin's program into the server's pod. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace lateen::cli {

// The name that Velero gives it: "registry/velero/velero-plugin-for-aws:v1" is
// "velero-velero-plugin-for-aws".
std::string plugin_container_name(std::string_view image);

// The Deployment with the container, and with the volume for the programs if it has none.
Result<Json> with_plugin(Json deployment, std::string_view image, std::string_view pull_policy);

// Without the init container of that name or image. NotFound if there is none.
Result<Json> without_plugin(Json deployment, std::string_view name_or_image);

}  // namespace lateen::cli
