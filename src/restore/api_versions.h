// In which API version a kind is restored that the backup holds in several (Velero's feature
// EnableAPIGroupVersions). Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "archive/item_table.h"
#include "kube/discovery.h"
#include "model/object_meta.h"

namespace lateen::restore {

struct VersionPreferences {
  // The target's preferred version goes before that of the backup. Otherwise the objects are taken
  // as the backup's cluster preferred them, wherever the target serves that.
  bool as_velero = false;
  std::map<std::string, model::StringList, std::less<>> wanted = {};  // goes before all, by kind
};

// Lines of "deployments.apps=v1,v1beta1"; what is none is passed over, as Velero does.
std::map<std::string, model::StringList, std::less<>> parse_version_priorities(
    std::string_view text);

// The version of each kind that is not to be taken as the backup's cluster preferred it.
std::map<std::string, std::string, std::less<>> choose_versions(
    std::span<const archive::ArchivedItem> items,
    const kube::Discovery& discovery,
    const VersionPreferences& preferences);

// "v1" before "v1beta1" before "v1alpha1", and "v2" before "v1": Kubernetes' order.
bool is_version_before(std::string_view a, std::string_view b);

}  // namespace lateen::restore
