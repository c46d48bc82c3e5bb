#include "objects/store_factory.h"

#include "base/text.h"
#include "objects/fs_store.h"
#include "objects/s3/s3_store.h"

namespace lateen::objects {
namespace {

constexpr std::string_view kVeleroPrefix = "velero.io/";
constexpr std::string_view kPathKey = "path";
constexpr std::string_view kCreateKey = "createBucket";

std::string_view config_value(const StoreOptions& options, std::string_view key) {
  const auto found = options.config.find(key);
  return found == options.config.end() ? std::string_view() : std::string_view(found->second);
}

// A misspelt key would silently do nothing: plugins refuse unknown ones in these words.
Status check_fs_config(const StoreOptions& options) {
  for (const auto& [key, value] : options.config) {
    if (key != kPathKey && key != kCreateKey) {
      return Error(Code::InvalidArgument, "config has invalid keys [{}]; valid keys are [{} {}]",
                   key, kPathKey, kCreateKey);
    }
  }
  return {};
}

// The bucket is the folder of its name in config.path. It is only made if asked for: behind a file
// system that isn't mounted, an empty bucket would look as if every backup had been deleted.
Result<std::unique_ptr<ObjectStore>> open_fs(const StoreOptions& options) {
  TRY(check_fs_config(options));
  const std::string_view path = config_value(options, kPathKey);
  if (!path.starts_with('/')) {
    return Error(Code::InvalidArgument,
                 "config.path must be the absolute path of the folder that holds buckets")
        .with_hint(
            "For example: lateen backup-location create default --provider filesystem --bucket "
            "backups "
            "--config path=/var/lib/lateen");
  }
  TRY(check_key(options.bucket).wrap("objectStorage.bucket"));
  bool create = false;
  if (const std::string_view text = config_value(options, kCreateKey); !text.empty()) {
    create = TRY(parse_bool(text).wrap("config.{}", kCreateKey));
  }
  return FsStore::open({.root = FilePath(path) / options.bucket, .create = create});
}

}  // namespace

StoreFactory StoreFactory::with_built_in() {
  StoreFactory factory;
  factory.add("filesystem", open_fs);
  factory.add("lateen.dev/fs", open_fs);
  factory.add("aws", s3::open_s3_location);
  return factory;
}

void StoreFactory::add(std::string_view provider, Open open) {
  if (provider.find('/') == std::string_view::npos) {
    by_provider_.insert_or_assign(std::string(kVeleroPrefix) + std::string(provider), open);
  }
  by_provider_.insert_or_assign(std::string(provider), std::move(open));
}

bool StoreFactory::has(std::string_view provider) const {
  return by_provider_.contains(provider);
}

Result<std::unique_ptr<ObjectStore>> StoreFactory::open(const StoreOptions& options) const {
  const auto found = by_provider_.find(options.provider);
  if (found != by_provider_.end()) return found->second(options);
  std::vector<std::string> known;
  for (const auto& [provider, open] : by_provider_) {
    if (!provider.starts_with(kVeleroPrefix)) known.push_back(provider);
  }
  return Error(Code::Unsupported, "no object store plugin for provider {}; there are {}",
               quote_go(options.provider), join(known, ", "))
      .with_hint("Install the provider's plugin, or correct spec.provider.");
}

}  // namespace lateen::objects
