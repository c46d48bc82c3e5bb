#include "objects/s3/bucket_properties.h"

#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>

#include "net/aws/credentials.h"
#include "objects/s3/bucket_remedies.h"
#include "objects/s3/client.h"
#include "objects/s3/config.h"

namespace lateen::objects::s3 {
namespace {

using net::aws::ServiceFault;
using net::aws::XmlElement;

// What a bucket is asked, with the permission that it takes.
struct Question {
  std::string_view name;
  std::string_view subresource;
  std::string_view permission;
  std::function<Result<Verdict>(const Bytes* answer)> judge;  // null: there is no such setting
};

// "There is no such setting", as S3 says it.
constexpr std::array<std::string_view, 6> kNotSet = {
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchLifecycleConfiguration",
    "NoSuchBucketPolicy",
    "NoSuchPublicAccessBlockConfiguration",
    "ReplicationConfigurationNotFoundError",
    "ObjectLockConfigurationNotFoundError"};

using JudgeXml = Verdict (*)(const XmlElement*);

std::function<Result<Verdict>(const Bytes*)> of_xml(JudgeXml judge) {
  return [judge](const Bytes* answer) -> Result<Verdict> {
    if (answer == nullptr) return judge(nullptr);
    const XmlElement document = TRY(net::aws::parse_xml(*answer));
    return judge(&document);
  };
}

std::vector<Question> questions(const std::string& bucket) {
  const auto policy = [bucket](const Bytes* answer) -> Result<Verdict> {
    if (answer == nullptr) return judge_transport_policy(nullptr, bucket);
    const Json document = TRY(parse_json(*answer));
    return judge_transport_policy(&document, bucket);
  };
  return {
      {"versioning", "versioning", "s3:GetBucketVersioning", of_xml(judge_versioning)},
      {"encryption", "encryption", "s3:GetEncryptionConfiguration", of_xml(judge_encryption)},
      {"lifecycle", "lifecycle", "s3:GetLifecycleConfiguration", of_xml(judge_lifecycle)},
      {"secure-transport", "policy", "s3:GetBucketPolicy", policy},
      {"public-access-block", "publicAccessBlock", "s3:GetBucketPublicAccessBlock",
       of_xml(judge_public_access)},
      {"replication", "replication", "s3:GetReplicationConfiguration", of_xml(judge_replication)}};
}

BucketProperty ask(S3Client& client, const Question& question, std::stop_token stop) {
  BucketProperty property{.name = std::string(question.name)};
  ServiceFault fault;
  S3Call call{.permission = question.permission, .fault = &fault};
  call.query.add(question.subresource, "");
  const auto answer = client.send(call, stop);
  const bool not_set = std::find(kNotSet.begin(), kNotSet.end(), fault.code) != kNotSet.end();
  if (!answer && !not_set) {
    const bool denied = answer.error().is(Code::Forbidden);
    property.state = denied ? PropertyState::NotAllowed : PropertyState::Unknown;
    property.detail = denied ? std::string(question.permission) : answer.error().message();
    return property;
  }
  const auto verdict = question.judge(answer ? &answer->body : nullptr);
  if (!verdict) {
    property.detail = verdict.error().message();
    return property;
  }
  property.state = verdict->ok ? PropertyState::Ok : PropertyState::Missing;
  property.detail = verdict->detail;
  return property;
}

Result<std::string> region_of(S3Client& client, std::stop_token stop) {
  S3Call call{.permission = "s3:GetBucketLocation"};
  call.query.add("location", "");
  const net::HttpResponse answer = TRY(client.send(call, stop));
  const XmlElement document = TRY(net::aws::parse_xml(answer.body));
  // Older than the regions' names.
  if (document.text.empty()) return std::string("us-east-1");
  return document.text == "EU" ? std::string("eu-west-1") : document.text;
}

Result<std::unique_ptr<S3Client>> open_client(S3Config config) {
  auto credentials = TRY(net::aws::make_credentials({.region = config.region,
                                                     .profile = config.profile,
                                                     .file = config.credential,
                                                     .file_path = config.credentials_file,
                                                     .environment = config.environment,
                                                     .clock = config.clock}));
  return S3Client::open(std::move(config), std::move(credentials));
}

// A copy in the same region is no help when the region is lost. Where the destination's cannot be
// seen, the rule itself has to do.
void compare_regions(BucketProperty& replication,
                     const S3Config& config,
                     S3Client& source,
                     std::stop_token stop) {
  constexpr std::string_view kArn = ":s3:::";
  const std::size_t at = replication.detail.find(kArn);
  if (replication.state != PropertyState::Ok || at == std::string::npos) return;
  S3Config there = config;
  there.bucket = replication.detail.substr(at + kArn.size());
  there.region.clear();
  const auto here = region_of(source, stop);
  auto client = open_client(std::move(there));
  const auto region = client ? region_of(**client, stop) : Result<std::string>(client.error());
  if (!here || !region) {
    replication.detail += " (its region cannot be seen)";
  } else if (*here == *region) {
    replication.state = PropertyState::Missing;
    replication.detail += fmt::format(", which is in {} as well", *region);
  } else {
    replication.detail += fmt::format(" in {}", *region);
  }
}

}  // namespace

std::string_view to_string(PropertyState state) {
  switch (state) {
    case PropertyState::Ok:
      return "ok";
    case PropertyState::Missing:
      return "missing";
    case PropertyState::NotAllowed:
      return "not allowed to look";
    case PropertyState::Unknown:
      return "unknown";
  }
  return "unknown";
}

bool BucketReport::has(PropertyState state) const {
  return std::any_of(properties.begin(), properties.end(),
                     [state](const BucketProperty& one) { return one.state == state; });
}

Result<BucketReport> check_bucket(const StoreOptions& options, std::stop_token stop) {
  const S3Config config = TRY(S3Config::from(options));
  const auto client = TRY(open_client(config));
  // One word to the bucket first: where nothing works, six times the same reason helps nobody.
  S3Call hello{.permission = "s3:ListBucket", .method = "HEAD"};
  const auto reached = client->send(hello, stop);
  if (!reached && !reached.error().is(Code::Forbidden)) return reached.error();
  BucketReport report{.bucket = config.bucket, .region = config.region};
  const BucketNames names{
      .bucket = config.bucket, .region = config.region, .kms_key_id = config.write.kms_key_id};
  for (const Question& question : questions(config.bucket)) {
    BucketProperty property = ask(*client, question, stop);
    if (stop.stop_requested()) return Error(Code::Canceled, "stopped");
    if (property.name == "replication") compare_regions(property, config, *client, stop);
    if (property.state == PropertyState::Missing) {
      Remedy remedy = remedy_for(property.name, names);
      property.terraform = std::move(remedy.terraform);
      property.aws_cli = std::move(remedy.aws_cli);
    }
    report.properties.push_back(std::move(property));
  }
  return report;
}

Result<BucketProperty> check_object_lock(const StoreOptions& options, std::stop_token stop) {
  const auto client = TRY(open_client(TRY(S3Config::from(options))));
  return ask(*client,
             {"object-lock", "object-lock", "s3:GetBucketObjectLockConfiguration",
              of_xml(judge_object_lock)},
             stop);
}

}  // namespace lateen::objects::s3
