// Lateen in Velero's place, and back: what changes in a Deployment or DaemonSet of Velero's. Its
// image changes, and how the image's program is started; arguments, environment, volumes, plugins
// and ServiceAccount stay. What was there before is noted in an annotation. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/flags.h"

namespace lateen::cli {

// Holds, as JSON, what the container was before: image, imagePullPolicy, command.
inline constexpr std::string_view kTakenOver = "lateen.io/taken-over";

// The container that runs Velero: "velero", "node-agent" or "node-agent-windows"; null when none
// does.
const Json* velero_container(const Json& workload);

// The workload with the image. One that was taken over before keeps its first note.
Result<Json> taken_over(Json workload, std::string_view image);

// As it was. NotFound for one that was never taken over.
Result<Json> given_back(Json workload);

// What differs in the container, a line each: "- image: velero/velero:v1.14.1".
std::vector<std::string> container_changes(const Json& before, const Json& after);

// The arguments of the container that our command would not take, in its own words.
std::vector<std::string> refused_arguments(const Json& workload,
                                           const std::vector<FlagSpec>& flags);

// The minor version that the image's tag says ("velero/velero:v1.14.1" is 14), if it says one.
std::optional<std::int64_t> velero_minor_of(std::string_view image);

}  // namespace lateen::cli
