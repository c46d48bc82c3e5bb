#include "model/names.h"

#include "base/hash.h"
#include "base/text.h"

namespace lateen::model {
namespace {

constexpr std::size_t kMaxLabelValue = 63;
constexpr std::size_t kHashDigits = 6;

}  // namespace

std::string valid_name(std::string_view name) {
  if (name.size() <= kMaxLabelValue) return std::string(name);
  std::string shortened(name.substr(0, kMaxLabelValue - kHashDigits));
  shortened += sha256_hex(name).substr(0, kHashDigits);
  return shortened;
}

std::string valid_repository_name(std::string_view name) {
  return name.size() <= kMaxLabelValue ? std::string(name) : sha3_224_hex(name);
}

std::string repository_name(std::string_view volume_namespace,
                            std::string_view location,
                            std::string_view type) {
  std::string name(volume_namespace);
  for (const std::string_view part : {location, type}) {
    name += '-';
    name += part;
  }
  return name;
}

std::string volume_snapshot_class_annotation(std::string_view driver) {
  return std::string(annotations::kVolumeSnapshotClassOfDriver) + to_lower(driver);
}

}  // namespace lateen::model
