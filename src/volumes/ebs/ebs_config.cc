#include "volumes/ebs/ebs_config.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"

namespace lateen::volumes::ebs {
namespace {

constexpr std::array<std::string_view, 8> kKeys = {
    "region",      "profile",    "credentialsFile",  "enableSharedConfig",
    "ebsKmsKeyId", "tagProfile", "availabilityZone", "copySnapshots"};

std::string value_of(const model::StringMap& config, std::string_view key) {
  const auto found = config.find(std::string(key));
  return found == config.end() ? std::string() : found->second;
}

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

Result<EbsConfig> parse_config(const model::StringMap& config) {
  for (const auto& [key, value] : config) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      return Error(Code::InvalidArgument, "config has invalid keys [{}]; valid keys are [{}]", key,
                   fmt::join(kKeys, " "));
    }
  }
  EbsConfig parsed;
  parsed.region = value_of(config, "region");
  if (parsed.region.empty()) {
    return Error(Code::InvalidArgument, "missing region in aws configuration")
        .with_hint("Set the snapshot location's config.region to the region of the volumes.");
  }
  parsed.profile = value_of(config, "profile");
  parsed.credentials_file = value_of(config, "credentialsFile");
  parsed.kms_key_id = value_of(config, "ebsKmsKeyId");
  parsed.tags = TRY(parse_tag_profile(value_of(config, "tagProfile")));
  parsed.az = value_of(config, "availabilityZone");
  if (const std::string copy = value_of(config, "copySnapshots"); !copy.empty()) {
    parsed.copy_snapshots = TRY(parse_bool(copy).wrap("config.copySnapshots"));
  }
  if (!parsed.az.empty() && region_of_zone(parsed.az) != parsed.region) {
    return Error(Code::InvalidArgument, "config.availabilityZone {} is not in config.region {}",
                 parsed.az, parsed.region);
  }
  return parsed;
}

std::string region_of_zone(std::string_view az) {
  if (az.empty() || !is_letter(az.back())) return {};
  const std::string_view without_letter = az.substr(0, az.size() - 1);
  // us-west-2, us-gov-east-1: words, and the first number ends the region.
  std::string region;
  for (const std::string_view part : split(without_letter, '-')) {
    if (part.empty()) return {};
    if (!region.empty()) region += '-';
    region += part;
    if (std::all_of(part.begin(), part.end(), is_digit)) return region;
  }
  return {};
}

std::string target_zone(std::string_view az, const EbsConfig& config) {
  if (!config.az.empty()) return config.az;
  const std::string region = region_of_zone(az);
  if (region == config.region || region.empty()) return std::string(az);
  return config.region + az.back();
}

}  // namespace lateen::volumes::ebs
