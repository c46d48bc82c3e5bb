// Warnings and errors of a backup or a restore by where they belong: <name>-results.gz; and the
// list of what was taken: <name>-resource-list.json.gz.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/object_meta.h"

namespace lateen::model {

// Not thread-safe.
struct ResultList {
  StringList velero = {};   // of the server itself
  StringList cluster = {};  // of cluster-scoped objects
  std::map<std::string, StringList, std::less<>> namespaces = {};
  JsonObject unknown = {};

  bool operator==(const ResultList&) const = default;

  void add_velero(std::string message) { velero.push_back(std::move(message)); }

  // To the cluster's list if `ns` is empty.
  void add(std::string_view ns, std::string message);

  // Puts the other's behind these.
  void merge(ResultList other);

  bool empty() const { return count() == 0; }

  std::size_t count() const;

  static void fields(auto& self, auto& visit) {
    visit("velero", self.velero);
    visit("cluster", self.cluster);
    visit("namespaces", self.namespaces);
  }
};

struct Results {
  ResultList errors = {};
  ResultList warnings = {};
  JsonObject unknown = {};

  bool operator==(const Results&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("errors", self.errors);
    visit("warnings", self.warnings);
  }
};

// "<apiVersion>/<Kind>" → "ns/name" or "name", sorted; on the restore side with "(created)" and the
// like behind.
using ResourceList = std::map<std::string, StringList, std::less<>>;

// Adds one; call sort_resource_list once at the end. `outcome` "" for a backup, else created,
// updated, failed, skipped.
void add_to_resource_list(ResourceList& list,
                          std::string_view api_version,
                          std::string_view kind,
                          std::string_view ns,
                          std::string_view name,
                          std::string_view outcome = {});

void sort_resource_list(ResourceList& list);

}  // namespace lateen::model
