#include "model/spec_validation.h"

#include <algorithm>

#include "model/include_exclude.h"
#include "model/named_object.h"
#include "model/names.h"

namespace lateen::model {
namespace {

// The prefixes that Velero puts before each broken rule of a list.
constexpr std::string_view kBadResources = "Invalid included/excluded resource lists: ";
constexpr std::string_view kBadNamespaces = "Invalid included/excluded namespace lists: ";
constexpr std::string_view kBadClusterScoped =
    "Invalid cluster-scoped included/excluded resource lists: ";
constexpr std::string_view kBadNamespaceScoped =
    "Invalid namespace-scoped included/excluded resource lists: ";
constexpr std::string_view kTwoSelectors =
    "encountered labelSelector as well as orLabelSelectors in {} spec, only one can be specified";

void add_prefixed(StringList& errors, std::string_view prefix, const StringList& faults) {
  for (const std::string& fault : faults)
    errors.push_back(std::string(prefix) + fault);
}

void check_selectors(StringList& errors,
                     const std::optional<LabelSelector>& selector,
                     const std::vector<LabelSelector>& or_selectors,
                     std::string_view kind) {
  if (selector && !or_selectors.empty())
    errors.push_back(fmt::format(fmt::runtime(kTwoSelectors), kind));
  if (selector) {
    if (const Status valid = selector->validate(); !valid)
      errors.push_back(valid.error().message());
  }
  for (const LabelSelector& one : or_selectors) {
    if (const Status valid = one.validate(); !valid) errors.push_back(valid.error().message());
  }
}

void check_init_containers(StringList& errors, const RestoreHooks& hooks) {
  for (const RestoreResourceHookSpec& resource : hooks.resources) {
    for (const RestoreResourceHook& hook : resource.post_hooks) {
      if (!hook.init) continue;
      for (const Json& container : hook.init->init_containers) {
        const bool has_command =
            array_at(container, "command") != nullptr && !array_at(container, "command")->empty();
        if (string_at(container, "name").empty() || string_at(container, "image").empty() ||
            !has_command) {
          errors.push_back(
              fmt::format("invalid InitContainer in restore hook {}, it doesn't have Command, Name "
                          "or Image field",
                          resource.name));
        }
      }
    }
  }
}

}  // namespace

bool uses_old_resource_filters(const BackupSpec& spec) {
  return spec.include_cluster_resources || !spec.included_resources.empty() ||
         !spec.excluded_resources.empty();
}

bool uses_new_resource_filters(const BackupSpec& spec) {
  return !spec.included_cluster_scoped_resources.empty() ||
         !spec.excluded_cluster_scoped_resources.empty() ||
         !spec.included_namespace_scoped_resources.empty() ||
         !spec.excluded_namespace_scoped_resources.empty();
}

bool uses_no_resource_filters(const BackupSpec& spec) {
  return !uses_old_resource_filters(spec) && !uses_new_resource_filters(spec);
}

StringList validate(const BackupSpec& spec) {
  StringList errors;
  if (uses_old_resource_filters(spec) && uses_new_resource_filters(spec)) {
    errors.emplace_back(
        "include-resources, exclude-resources and include-cluster-resources are old filter "
        "parameters.\n"
        "include-cluster-scoped-resources, exclude-cluster-scoped-resources, "
        "include-namespace-scoped-resources and "
        "exclude-namespace-scoped-resources are new filter parameters.\nThey cannot be used "
        "together");
  }
  add_prefixed(errors, kBadResources,
               validate_includes_excludes(spec.included_resources, spec.excluded_resources));
  add_prefixed(errors, kBadClusterScoped,
               validate_scoped_includes_excludes(spec.included_cluster_scoped_resources,
                                                 spec.excluded_cluster_scoped_resources));
  add_prefixed(errors, kBadNamespaceScoped,
               validate_scoped_includes_excludes(spec.included_namespace_scoped_resources,
                                                 spec.excluded_namespace_scoped_resources));
  add_prefixed(
      errors, kBadNamespaces,
      validate_namespace_includes_excludes(spec.included_namespaces, spec.excluded_namespaces));
  check_selectors(errors, spec.label_selector, spec.or_label_selectors, "backup");
  return errors;
}

void add_non_restorable_resources(RestoreSpec& spec) {
  for (const std::string_view resource : kNonRestorableResources) {
    if (std::ranges::find(spec.excluded_resources, resource) == spec.excluded_resources.end()) {
      spec.excluded_resources.emplace_back(resource);
    }
  }
}

StringList validate(const RestoreSpec& spec) {
  StringList errors;
  for (const std::string_view resource : kNonRestorableResources) {
    if (std::ranges::find(spec.included_resources, resource) != spec.included_resources.end()) {
      errors.push_back(fmt::format("{} are non-restorable resources", resource));
    }
  }
  // The list that the server itself appended must not clash with an include that was reported
  // above.
  StringList excluded = spec.excluded_resources;
  std::erase_if(excluded, [](const std::string& resource) {
    return std::ranges::find(kNonRestorableResources, resource) != kNonRestorableResources.end();
  });
  add_prefixed(errors, kBadResources,
               validate_includes_excludes(spec.included_resources, excluded));
  add_prefixed(errors, kBadNamespaces,
               validate_includes_excludes(spec.included_namespaces, spec.excluded_namespaces));
  if (spec.backup_name.empty() == spec.schedule_name.empty()) {
    errors.emplace_back(
        "Either a backup or schedule must be specified as a source for the restore, but not both");
  }
  check_selectors(errors, spec.label_selector, spec.or_label_selectors, "restore");
  check_init_containers(errors, spec.hooks);
  if (spec.existing_resource_policy == ExistingResourcePolicy::Unknown) {
    errors.push_back(
        fmt::format("Invalid existing resource policy {}, it must be none or update (or recreate "
                    "or apply, which only Lateen knows)",
                    spec.existing_resource_policy.text()));
  }
  for (const std::string& object : spec.included_objects) {
    if (const auto parsed = NamedObject::parse(object); !parsed) {
      errors.push_back(
          fmt::format("annotation {}: {}", annotations::kIncludeObjects, parsed.error().message()));
    }
  }
  return errors;
}

StringList validate(const BackupStorageLocationSpec& spec) {
  StringList errors;
  if (spec.provider.empty()) errors.emplace_back("spec.provider is required");
  if (!spec.object_storage) {
    errors.emplace_back("spec.objectStorage is required");
    return errors;
  }
  const ObjectStorageLocation& storage = *spec.object_storage;
  if (storage.bucket.empty()) errors.emplace_back("spec.objectStorage.bucket is required");
  if (storage.bucket.find('/') != std::string::npos) {
    errors.push_back(
        fmt::format("backup storage location's bucket name \"{}\" must not contain a '/' (if using "
                    "a prefix, put it in the 'Prefix' "
                    "field instead)",
                    storage.bucket));
  }
  if (!storage.ca_cert.empty() && storage.ca_cert_ref) {
    errors.emplace_back("cannot specify both caCert and caCertRef in objectStorage");
  }
  if (spec.access_mode == AccessMode::Unknown) {
    errors.push_back(fmt::format("spec.accessMode must be ReadOnly or ReadWrite, not {}",
                                 spec.access_mode.text()));
  }
  return errors;
}

}  // namespace lateen::model
