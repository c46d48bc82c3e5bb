#include "cli/repo/location.h"

#include <filesystem>

#include "base/environment.h"
#include "base/text.h"
#include "objects/fs_store.h"
#include "objects/prefixed_store.h"
#include "objects/s3/s3_store.h"

namespace lateen::cli::repo {
namespace {

constexpr std::array<std::string_view, 9> kOtherBackends = {
    "sftp:", "rest:", "swift:", "b2:", "azure:", "gs:", "rclone:", "webdav:", "http:"};

std::string option(const RepoSettings& settings, const std::string& name) {
  const auto at = settings.options.find(name);
  return at == settings.options.end() ? std::string() : at->second;
}

Result<std::string> read_certificates(const std::vector<std::string>& files) {
  std::string pem;
  for (const std::string& file : files) {
    pem += TRY(read_file(file, 16_MiB).wrap("reading --cacert {}", file));
    pem += '\n';
  }
  return pem;
}

Result<std::unique_ptr<objects::ObjectStore>> open_s3(const RepoSettings& settings) {
  const S3Location location = TRY(parse_s3_location(settings.location));
  objects::s3::S3Config config;
  config.bucket = location.bucket;
  config.region = option(settings, "s3.region");
  if (config.region.empty()) config.region = env("AWS_DEFAULT_REGION").value_or("");
  if (!location.is_aws) config.endpoint = location.endpoint;
  const std::string lookup = option(settings, "s3.bucket-lookup");
  config.force_path_style = lookup == "path" || (lookup != "dns" && !location.is_aws);
  config.write.storage_class = option(settings, "s3.storage-class");
  // A pack goes in one request: up to twice this is one.
  config.part_size = 16_MiB;
  config.tls.insecure_skip_verify = settings.insecure_tls;
  config.tls.ca_pem = TRY(read_certificates(settings.ca_files));
  if (!settings.tls_client_cert.empty()) {
    config.tls.client_certificate_pem =
        TRY(read_file(settings.tls_client_cert, 16_MiB).wrap("reading --tls-client-cert"));
    config.tls.client_key_pem = Secret(config.tls.client_certificate_pem);
  }
  auto store = TRY(objects::s3::open_s3_store(std::move(config)));
  return objects::make_prefixed(std::move(store), location.prefix);
}

Result<std::unique_ptr<objects::ObjectStore>> open_directory(const std::string& path, bool create) {
  auto store = objects::FsStore::open({.root = path, .create = create});
  if (store) return store;
  if (create || !store.error().is(Code::NotFound)) return std::move(store).error().wrap("{}", path);
  return Error(Code::NotFound, "there is no repository at {}: the directory does not exist", path)
      .with_hint("`init` makes one.");
}

}  // namespace

Result<S3Location> parse_s3_location(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with("s3:")) rest.remove_prefix(3);
  std::string scheme = "https";
  const Cut url = cut(rest, "://");
  if (url.found && (url.before == "http" || url.before == "https")) {
    scheme = url.before;
    rest = url.after;
  } else {
    while (rest.starts_with('/'))
      rest.remove_prefix(1);
  }
  const Cut host = cut(rest, "/");
  const Cut bucket = cut(host.after, "/");
  if (host.before.empty() || bucket.before.empty()) {
    return Error(Code::InvalidArgument, "\"{}\" names no bucket", text)
        .with_hint("Write s3:HOST/BUCKET/PREFIX or s3:https://HOST:PORT/BUCKET/PREFIX.");
  }
  std::string prefix(bucket.after);
  while (prefix.ends_with('/'))
    prefix.pop_back();
  return S3Location{.endpoint = fmt::format("{}://{}", scheme, host.before),
                    .is_aws = host.before.ends_with("amazonaws.com"),
                    .bucket = std::string(bucket.before),
                    .prefix = std::move(prefix)};
}

bool is_directory_location(std::string_view location) {
  return !location.starts_with("s3:") && cluster_repository_name(location).empty();
}

std::string_view cluster_repository_name(std::string_view location) {
  constexpr std::string_view kScheme = "k8s:";
  return location.starts_with(kScheme) ? location.substr(kScheme.size()) : std::string_view();
}

Result<std::unique_ptr<objects::ObjectStore>> open_store(const RepoSettings& settings,
                                                         bool create) {
  const std::string& location = settings.location;
  for (const std::string_view other : kOtherBackends) {
    if (!location.starts_with(other)) continue;
    return Error(Code::Unsupported, "repositories at {} cannot be reached", other)
        .with_hint("There are directories (/path or local:/path) and S3 (s3:HOST/BUCKET/PREFIX).");
  }
  if (!cluster_repository_name(location).empty()) {
    return Error(Code::Unsupported, "the server makes the repositories of a cluster");
  }
  const bool local = location.starts_with("local:");
  auto store = is_directory_location(location)
                   ? TRY(open_directory(local ? location.substr(6) : location, create))
                   : TRY(open_s3(settings));
  return objects::make_limited(std::move(store), settings.limits);
}

}  // namespace lateen::cli::repo
