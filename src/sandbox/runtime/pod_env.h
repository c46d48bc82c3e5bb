// A container's environment, command line and identity, as its pod spec says them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sandbox/api/api.h"
#include "sandbox/runtime/pod_fields.h"

namespace lateen::sandbox {

using Variables = std::map<std::string, std::string, std::less<>>;

// $(NAME) becomes the variable's value, $$ becomes $; what is unknown stays as it is.
std::string expand_variables(std::string_view text, const Variables& variables);

// env and envFrom with all their references followed. NotFound in kubelet's words where one that is
// not optional leads nowhere: the container waits with CreateContainerConfigError then.
Result<Variables> container_variables(Api& api,
                                      const Json& pod,
                                      const Json& container,
                                      const PodAddress& address);

// command and args, expanded. Empty when the pod gives no command: there is no image whose
// entrypoint could be run.
std::vector<std::string> container_command(const Json& container, const Variables& variables);

// args alone, expanded: what an image's own entrypoint is given.
std::vector<std::string> container_arguments(const Json& container, const Variables& variables);

}  // namespace lateen::sandbox
