#include "voyages/testing/node_agent.h"

namespace lateen::voyages {

std::unique_ptr<Server> start_node_agent(const Harbour& harbour) {
  return Server::start_program(
      harbour,
      {.name = "node-agent",
       .arguments = {"node-agent", "server", "--node-name", "sandbox", "--host-pods",
                     (harbour.sandbox_dir() / "pods").string(), "--metrics-address", "127.0.0.1:0"},
       .started = "Node agent started",
       .patience = std::chrono::seconds(60)});
}

FilePath folder_of_claim(const Harbour& harbour, const std::string& ns, const std::string& claim) {
  const Json bound = harbour.get({"-n", ns, "pvc", claim});
  const Json volume = harbour.get({"pv", std::string(string_at(bound, "spec.volumeName"))});
  return harbour.sandbox_dir() / "volumes" / string_at(volume, "spec.csi.volumeHandle") / "data";
}

}  // namespace lateen::voyages
