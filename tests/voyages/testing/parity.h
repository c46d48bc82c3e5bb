// What two programs made of one spec, held against each other: the cases of tests/voyages/parity,
// what the real Velero made of them, and the names that differ from cluster to cluster taken out of
// both.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "voyages/testing/harbour.h"

namespace lateen::voyages {

// tests/voyages/parity/<file>; a YAML file's documents, or a JSON file.
Json parity_data(std::string_view file);
std::vector<Json> parity_documents(std::string_view file);

// The objects that were applied, so that those which a cluster makes for itself are not compared.
// Immutable.
class ParityCluster {
 public:
  ParityCluster();

  // "resource.group/namespace/name" of an entry of a tarball; empty for what is not compared.
  std::string item(std::string_view entry, const Json& volumes) const;

 private:
  bool is_compared(std::string_view kind, std::string_view ns, std::string_view name) const;

  std::set<std::string, std::less<>> namespaces_;
  std::set<std::string, std::less<>> cluster_scoped_;  // names
};

// "apps/v1/Deployment/shop/web created" of an entry of a restore's list of resources.
std::string restored_item(std::string_view kind, std::string_view entry);

// What is there and what is expected, after what the case says of differences on purpose.
struct Comparison {
  Json expected;
  Json found;
  const Json& test_case;

  // Texts that say what differs; empty when all is as it should be.
  std::vector<std::string> differences() const;
};

// Paths at which two trees differ, with both values.
void note_differences(const Json& expected,
                      const Json& found,
                      const std::string& path,
                      std::vector<std::string>& out);

// Without what is of one cluster: identity, status, addresses, generated names.
Json comparable_object(Json object);

}  // namespace lateen::voyages
