// `lateen node-agent server` for a node of the sandbox, its log in a file.
#pragma once

#include <memory>
#include <string>

#include "voyages/testing/harbour.h"

namespace lateen::voyages {

inline constexpr std::string_view kSandboxNode = "sandbox";

// Returns once it says that it has started, which is a while after one that was killed; null and a
// failure of the test when it does not.
std::unique_ptr<Server> start_node_agent(const Harbour& harbour,
                                         const std::string& node = std::string(kSandboxNode));

// What the data mover's pods are made of: the DaemonSet as `lateen install` makes it, with its
// account. Its own pods run nowhere, for a voyage's agents are programs that it can kill.
void describe_node_agents(const Harbour& harbour, const FilePath& bucket);

// The folder of the volume that a claim is bound to, in the sandbox's storage.
FilePath folder_of_claim(const Harbour& harbour, const std::string& ns, const std::string& claim);

}  // namespace lateen::voyages
