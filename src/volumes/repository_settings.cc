#include "volumes/repository_settings.h"

#include <array>

#include "base/text.h"
#include "kube/object.h"

namespace lateen::volumes {
namespace {

constexpr std::string_view kCacheLimit = "cacheLimitMB";
constexpr std::string_view kFullMaintenance = "fullMaintenanceInterval";

Result<ByteCount> megabytes(std::string_view text) {
  const auto number = parse_int(text);
  if (!number || *number < 1) {
    return Error(Code::InvalidArgument, "{} is \"{}\": it must be a whole number, at least 1",
                 kCacheLimit, text);
  }
  return static_cast<ByteCount>(*number) * 1_MiB;
}

Result<Duration> interval(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, int>, 3> kHours = {
      {{"normalGC", 24}, {"fastGC", 12}, {"eagerGC", 6}}};
  for (const auto& [name, hours] : kHours) {
    if (name == word) return Duration(std::chrono::hours(hours));
  }
  return Error(Code::InvalidArgument, "{} is \"{}\": normalGC (24 h), fastGC (12 h), eagerGC (6 h)",
               kFullMaintenance, word);
}

}  // namespace

Result<RepositorySettings> RepositorySettings::parse(const model::StringMap& config) {
  RepositorySettings settings;
  for (const auto& [key, value] : config) {
    if (key == kCacheLimit) settings.cache_limit = TRY(megabytes(value));
    if (key == kFullMaintenance && !value.empty()) settings.full_maintenance = TRY(interval(value));
  }
  return settings;
}

Result<model::StringMap> repository_config(const Json& config_map, std::string_view type) {
  model::StringMap config;
  const Json* text = find(find(config_map, "data"), JsonKey{type});
  if (text == nullptr) return config;
  const Json given =
      TRY(parse_json(as_text(text)).wrap("ConfigMap {}, {}", kube::object_key(config_map), type));
  if (!given.is_object()) {
    return Error(Code::InvalidArgument, "ConfigMap {}, {}: an object of settings was expected",
                 kube::object_key(config_map), type);
  }
  for (const auto& [key, value] : given.as_object())
    config[std::string(key)] = value.is_string() ? std::string(as_text(&value)) : write_json(value);
  TRY(RepositorySettings::parse(config).wrap("ConfigMap {}, {}", kube::object_key(config_map),
                                             type));
  return config;
}

}  // namespace lateen::volumes
