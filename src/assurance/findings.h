// What looking at one object after the other brings to light about a backup: what lies out of its
// reach, and what it would miss at the restore.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"

namespace lateen::assurance {

// Something out of the cluster that an object refers to: no backup of the cluster holds it.
struct OutsideReference {
  std::string what = {};        // "RDS database", "S3 bucket", "IAM role", …
  std::string target = {};      // the host, the bucket, the ARN; never a password beside it
  std::string object = {};      // where it was found: "secrets shop/payments"
  std::string field = {};       // "data.DATABASE_URL"
  std::string covered_by = {};  // the tool that does hold it

  auto operator<=>(const OutsideReference&) const = default;
};

// A volume of a pod that is no PersistentVolume: its data are nowhere else.
struct LocalVolume {
  std::string ns = {};
  std::string pod = {};
  std::string volume = {};  // the pod's name for it
  std::string type = {};    // "hostPath", "emptyDir", "nfs", …
  std::string detail = {};  // the path, the server; "" where there is nothing to say
  std::string advice = {};

  auto operator<=>(const LocalVolume&) const = default;
};

// What a restore or a backup should be warned of. `id` is stable (docs/reference/plan-warnings.md).
struct PlanWarning {
  std::string id = {};
  std::string subject = {};  // "storageclasses.storage.k8s.io gp3"
  std::string message = {};
  std::string advice = {};

  auto operator<=>(const PlanWarning&) const = default;
};

struct Findings {
  std::vector<OutsideReference> outside = {};
  std::vector<LocalVolume> local_volumes = {};
  std::vector<PlanWarning> warnings = {};
  std::size_t not_listed = 0;  // so many more than are kept
};

Json to_json(const OutsideReference& one);
Json to_json(const LocalVolume& one);
Json to_json(const PlanWarning& one);
OutsideReference outside_reference_from(const Json& json);
LocalVolume local_volume_from(const Json& json);
PlanWarning plan_warning_from(const Json& json);

// "secrets shop/payments": how findings name an object.
std::string object_text(std::string_view group_resource,
                        std::string_view ns,
                        std::string_view name);

}  // namespace lateen::assurance
