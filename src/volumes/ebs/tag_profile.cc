#include "volumes/ebs/tag_profile.h"

namespace lateen::volumes::ebs {
namespace {

// AWS' own (aws:cloudformation:stack-name): it refuses to be given them.
bool is_reserved(std::string_view key) {
  return key.starts_with("aws:");
}

bool is_cluster_tag(std::string_view key) {
  return key.starts_with("kubernetes.io/cluster/") || key == "KubernetesCluster";
}

std::string value_of(const Tags& tags, std::string_view key) {
  const auto found = tags.find(std::string(key));
  return found == tags.end() ? std::string() : found->second;
}

// velero.io/backup=<name> becomes the two tags that a policy can be written for.
Tags owned_tags(const Tags& wanted) {
  Tags tags{{std::string(kBackupTag), "true"}};
  if (const auto name = backup_of(wanted); name && !name->empty()) {
    tags[std::string(kBackupNameTag)] = *name;
  }
  if (const std::string restore = value_of(wanted, kRestoreTag); !restore.empty()) {
    tags[std::string(kRestoreTag)] = restore;
  }
  return tags;
}

}  // namespace

Result<TagProfile> parse_tag_profile(std::string_view word) {
  if (word.empty() || word == "velero") return TagProfile::Velero;
  if (word == "owned") return TagProfile::Owned;
  return Error(Code::InvalidArgument, "config.tagProfile is {}, it must be velero or owned", word);
}

Tags snapshot_tags(TagProfile profile, const Tags& wanted, const Tags& of_volume) {
  if (profile == TagProfile::Owned) return owned_tags(wanted);
  Tags tags = wanted;
  for (const auto& [key, value] : of_volume) {
    if (!is_reserved(key)) tags.emplace(key, value);
  }
  return tags;
}

Tags volume_tags(TagProfile profile,
                 const Tags& wanted,
                 const Tags& of_snapshot,
                 const std::optional<std::string>& cluster) {
  if (profile == TagProfile::Owned) return owned_tags(wanted);
  Tags tags;
  if (cluster) {
    tags["kubernetes.io/cluster/" + *cluster] = "owned";
    tags["KubernetesCluster"] = *cluster;
  }
  for (const auto& [key, value] : of_snapshot) {
    if (is_reserved(key) || (cluster && is_cluster_tag(key))) continue;
    tags.emplace(key, value);
  }
  return tags;
}

Tags without_backup_name(Tags tags) {
  tags.erase(std::string(kBackupNameTag));
  return tags;
}

std::optional<std::string> backup_of(const Tags& tags) {
  const auto name = tags.find(std::string(kBackupNameTag));
  if (name != tags.end()) return name->second;
  const auto backup = tags.find(std::string(kBackupTag));
  if (backup == tags.end()) return std::nullopt;
  // The owned profile under a policy that leaves no room for the name.
  return backup->second == "true" ? std::string() : backup->second;
}

}  // namespace lateen::volumes::ebs
