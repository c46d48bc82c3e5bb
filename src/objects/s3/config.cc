#include "objects/s3/config.h"

#include <algorithm>
#include <array>

#include "base/duration.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "net/url.h"

namespace lateen::objects::s3 {
namespace {

constexpr std::size_t kCustomerKeySize = 32;

// The plugin's in its order, then Lateen's own, then what the server adds.
constexpr std::array<std::string_view, 26> kKeys = {"region",
                                                    "s3Url",
                                                    "publicUrl",
                                                    "kmsKeyId",
                                                    "customerKeyEncryptionFile",
                                                    "customerKeyEncryptionSecret",
                                                    "s3ForcePathStyle",
                                                    "signatureVersion",
                                                    "credentialsFile",
                                                    "profile",
                                                    "serverSideEncryption",
                                                    "insecureSkipTLSVerify",
                                                    "enableSharedConfig",
                                                    "tagging",
                                                    "checksumAlgorithm",
                                                    "resticRepoPrefix",
                                                    "bucketKeyEnabled",
                                                    "storageClass",
                                                    "objectLockMode",
                                                    "objectLockRetention",
                                                    "objectLockLegalHold",
                                                    "partSize",
                                                    "parallelTransfers",
                                                    "bucket",
                                                    "prefix",
                                                    "caCert"};

// Reads the values of a location's config.
class ConfigReader {
 public:
  explicit ConfigReader(const model::StringMap& config) : config_(config) {}

  std::string text(std::string_view key) const {
    const auto found = config_.find(key);
    return found == config_.end() ? std::string() : found->second;
  }

  bool has(std::string_view key) const { return config_.find(key) != config_.end(); }

  Result<bool> flag(std::string_view key) const {
    const std::string value = text(key);
    if (value.empty()) return false;
    return parse_bool(value).wrap("could not parse {} (expected bool)", key);
  }

  Result<std::uint64_t> number(std::string_view key, std::uint64_t low, std::uint64_t high) const {
    const std::int64_t value = TRY(parse_int(text(key)).wrap("config.{}", key));
    if (value < 0 || static_cast<std::uint64_t>(value) < low ||
        static_cast<std::uint64_t>(value) > high) {
      return Error(Code::InvalidArgument, "config.{}: {} is not between {} and {}", key, value, low,
                   high);
    }
    return static_cast<std::uint64_t>(value);
  }

 private:
  const model::StringMap& config_;
};

// A misspelt key would silently do nothing: Velero's plugin refuses it in these words.
Status check_keys(const model::StringMap& config) {
  std::vector<std::string_view> wrong;
  for (const auto& [key, value] : config) {
    if (std::ranges::find(kKeys, key) == kKeys.end()) wrong.push_back(key);
  }
  if (wrong.empty()) return {};
  return Error(Code::InvalidArgument, "config has invalid keys [{}]; valid keys are [{}]",
               join(wrong, " "), join(kKeys, " "));
}

Status check_url(std::string_view key, const std::string& url) {
  if (url.empty()) return {};
  const auto parsed = net::Url::parse(url);
  if (parsed && (parsed->scheme == "http" || parsed->scheme == "https")) return {};
  return Error(Code::InvalidArgument,
               "config.{}: Invalid s3 url {}, URL must start with http:// or https://", key,
               net::redact_url(url));
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// S3's limits. Velero's plugin also refuses a single tag, which S3 takes.
Status check_tagging(std::string_view tagging) {
  constexpr std::size_t kMost = 10;
  constexpr std::size_t kLongestKey = 128;
  constexpr std::size_t kLongestValue = 256;
  const std::vector<std::string_view> tags = split(tagging, '&');
  if (tags.size() > kMost) {
    return Error(Code::InvalidArgument, "config.tagging: S3 allows only ten tags for an object");
  }
  for (const std::string_view tag : tags) {
    const std::vector<std::string_view> pair = split(tag, '=');
    if (pair.size() != 2 || pair[0].empty()) {
      return Error(Code::InvalidArgument, "config.tagging: {} is not KEY=VALUE", quote_go(tag))
          .with_hint("Tags are written as K1=V1&K2=V2.");
    }
    const std::string key = TRY(query_decode(pair[0]).wrap("config.tagging"));
    const std::string value = TRY(query_decode(pair[1]).wrap("config.tagging"));
    if (characters(key) > kLongestKey || characters(value) > kLongestValue) {
      return Error(Code::InvalidArgument,
                   "config.tagging: a key has at most {} characters, a value {}", kLongestKey,
                   kLongestValue);
    }
  }
  return {};
}

Result<Checksum> parse_checksum(std::string_view name) {
  if (name.empty()) return Checksum::None;
  if (name == "CRC32") return Checksum::Crc32;
  if (name == "CRC32C") return Checksum::Crc32c;
  if (name == "CRC64NVME") return Checksum::Crc64Nvme;
  if (name == "SHA1") return Checksum::Sha1;
  if (name == "SHA256") return Checksum::Sha256;
  return Error(Code::InvalidArgument, "invalid checksum algorithm: {}", name)
      .with_hint("One of CRC32, CRC32C, CRC64NVME, SHA1, SHA256, or \"\" for none.");
}

Result<Secret> read_customer_key(const ConfigReader& config, const StoreOptions& options) {
  const std::string file = config.text("customerKeyEncryptionFile");
  const std::string secret = config.text("customerKeyEncryptionSecret");
  const int ways = static_cast<int>(!config.text("kmsKeyId").empty()) +
                   static_cast<int>(!file.empty()) + static_cast<int>(!secret.empty());
  if (ways > 1) {
    return Error(Code::InvalidArgument,
                 "you can only use one of: kmsKeyId, customerKeyEncryptionFile, or "
                 "customerKeyEncryptionSecret");
  }
  if (!secret.empty()) {
    if (options.customer_key.reveal().size() == kCustomerKeySize) return options.customer_key;
    return Error(Code::InvalidArgument,
                 "customer key from secret {} must be exactly 32 bytes, got {} bytes", secret,
                 options.customer_key.reveal().size());
  }
  if (file.empty()) return Secret();
  // What stands behind the key, a line's end say, is passed over, as in the plugin.
  constexpr ByteCount kMost = 4096;
  Bytes bytes = TRY(read_file(file, kMost).wrap("customerKeyEncryptionFile"));
  if (bytes.size() < kCustomerKeySize) {
    return Error(Code::InvalidArgument,
                 "contents of customerKeyEncryptionFile ({}) are not exactly 32 bytes", file);
  }
  bytes.resize(kCustomerKeySize);
  return Secret(std::move(bytes));
}

Status read_object_lock(const ConfigReader& config, WriteOptions& write) {
  write.legal_hold = TRY(config.flag("objectLockLegalHold"));
  write.object_lock_mode = to_upper(config.text("objectLockMode"));
  const std::string retention = config.text("objectLockRetention");
  if (write.object_lock_mode.empty() != retention.empty()) {
    return Error(Code::InvalidArgument, "objectLockMode and objectLockRetention go together");
  }
  if (retention.empty()) return {};
  if (write.object_lock_mode != "GOVERNANCE" && write.object_lock_mode != "COMPLIANCE") {
    return Error(Code::InvalidArgument, "config.objectLockMode: GOVERNANCE or COMPLIANCE, not {}",
                 quote_go(config.text("objectLockMode")));
  }
  write.object_lock_retention =
      TRY(parse_go_duration(retention).wrap("config.objectLockRetention"));
  if (write.object_lock_retention <= Duration::zero()) {
    return Error(Code::InvalidArgument, "config.objectLockRetention: {} is no time to keep",
                 retention);
  }
  return {};
}

Result<WriteOptions> read_write_options(const ConfigReader& config) {
  WriteOptions write{.server_side_encryption = config.text("serverSideEncryption"),
                     .kms_key_id = config.text("kmsKeyId"),
                     .tagging = config.text("tagging"),
                     .storage_class = config.text("storageClass")};
  write.bucket_key = TRY(config.flag("bucketKeyEnabled"));
  // A key means KMS, whatever else is said.
  if (!write.kms_key_id.empty() && !write.server_side_encryption.starts_with("aws:kms")) {
    write.server_side_encryption = "aws:kms";
  }
  if (!write.tagging.empty()) TRY(check_tagging(write.tagging));
  if (config.has("checksumAlgorithm")) {
    write.checksum = TRY(parse_checksum(config.text("checksumAlgorithm")));
  }
  TRY(read_object_lock(config, write));
  return write;
}

Status read_transfer_options(const ConfigReader& config, S3Config& s3) {
  constexpr std::uint64_t kLeastPart = 5_MiB;  // S3's
  constexpr std::uint64_t kLargestPart = 1_GiB;
  constexpr std::uint64_t kMostParallel = 64;
  if (config.has("partSize")) {
    s3.part_size = TRY(config.number("partSize", kLeastPart, kLargestPart));
  }
  if (config.has("parallelTransfers")) {
    s3.parallel = TRY(config.number("parallelTransfers", 1, kMostParallel));
  }
  return {};
}

}  // namespace

Result<S3Config> S3Config::from(const StoreOptions& options) {
  TRY(check_keys(options.config));
  const ConfigReader config(options.config);
  if (options.bucket.empty()) {
    return Error(Code::InvalidArgument, "objectStorage.bucket must be set");
  }
  S3Config s3{.bucket = options.bucket,
              .region = config.text("region"),
              .endpoint = config.text("s3Url"),
              .public_url = config.text("publicUrl")};
  s3.force_path_style = TRY(config.flag("s3ForcePathStyle"));
  TRY(check_url("s3Url", s3.endpoint));
  TRY(check_url("publicUrl", s3.public_url));
  s3.write = TRY(read_write_options(config));
  s3.customer_key = TRY(read_customer_key(config, options));
  s3.tls.ca_pem = options.ca_pem;
  s3.tls.insecure_skip_verify = TRY(config.flag("insecureSkipTLSVerify"));
  s3.profile = config.text("profile");
  s3.credential = options.credential;
  s3.credentials_file = config.text("credentialsFile");
  TRY(read_transfer_options(config, s3));
  return s3;
}

}  // namespace lateen::objects::s3
