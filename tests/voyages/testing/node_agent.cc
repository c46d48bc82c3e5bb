#include "voyages/testing/node_agent.h"

#include <gtest/gtest.h>

#include "voyages/testing/objects.h"

namespace lateen::voyages {

std::unique_ptr<Server> start_node_agent(const Harbour& harbour, const std::string& node) {
  return Server::start_program(
      harbour,
      {.name = node == kSandboxNode ? "node-agent" : "node-agent-" + node,
       .arguments = {"node-agent", "server", "--node-name", node, "--host-pods",
                     (harbour.sandbox_dir() / "pods").string(), "--metrics-address", "127.0.0.1:0"},
       .started = "Node agent started",
       .patience = std::chrono::seconds(120)});
}

void describe_node_agents(const Harbour& harbour, const FilePath& bucket) {
  auto printed = parse_json(harbour.must_lateen(
      {"install", "--provider", "filesystem", "--bucket", "lateen", "--backup-location-config",
       fmt::format("path={}", bucket.parent_path().string()), "--use-node-agent", "--dry-run", "-o",
       "json"}));
  ASSERT_TRUE(printed) << printed.error().message();
  for (Json& object : items_of(*printed)) {
    const std::string_view kind = string_at(object, "kind");
    if (kind == "DaemonSet") {
      ensure(object, "spec.template.spec.nodeSelector") = JsonObject{{"nobody", "here"}};
    } else if (kind != "ServiceAccount" && kind != "ClusterRoleBinding") {
      continue;
    }
    harbour.apply(write_json(object));
  }
}

FilePath folder_of_claim(const Harbour& harbour, const std::string& ns, const std::string& claim) {
  const Json bound = harbour.get({"-n", ns, "pvc", claim});
  const Json volume = harbour.get({"pv", std::string(string_at(bound, "spec.volumeName"))});
  return harbour.sandbox_dir() / "volumes" / string_at(volume, "spec.csi.volumeHandle") / "data";
}

}  // namespace lateen::voyages
