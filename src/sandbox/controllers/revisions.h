// ControllerRevisions: the versions that the templates of StatefulSets and DaemonSets have had.
#pragma once

#include <string>

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

// The name that pods of the owner's present template carry in the label controller-revision-hash
// (StatefulSets: the whole name; DaemonSets: the hash alone). Makes the revision if there is none
// yet.
Result<std::string> ensure_revision(Api& api,
                                    const ObjectCache& revisions,
                                    const Json& owner,
                                    std::string_view field_manager,
                                    std::stop_token stop);

inline constexpr std::string_view kRevisionHashLabel = "controller-revision-hash";

}  // namespace lateen::sandbox
