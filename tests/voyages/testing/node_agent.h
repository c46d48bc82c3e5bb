// `lateen node-agent server` for the sandbox's node, its log in a file.
#pragma once

#include <memory>
#include <string>

#include "voyages/testing/harbour.h"

namespace lateen::voyages {

// Returns once it says that it has started, which is a while after one that was killed; null and a
// failure of the test when it does not.
std::unique_ptr<Server> start_node_agent(const Harbour& harbour);

// The folder of the volume that a claim is bound to, in the sandbox's storage.
FilePath folder_of_claim(const Harbour& harbour, const std::string& ns, const std::string& claim);

}  // namespace lateen::voyages
