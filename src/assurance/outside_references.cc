#include "assurance/outside_references.h"

#include <algorithm>
#include <array>

#include "assurance/pod_template.h"
#include "assurance/text_search.h"
#include "base/encoding.h"
#include "base/text.h"
#include "kube/object.h"

namespace lateen::assurance {
namespace {

struct OutsideService {
  std::string_view mark;  // in the host's name, or the service of an ARN
  std::string_view what;
  std::string_view covered_by;
};

constexpr std::string_view kDatabaseTools =
    "RDS automated backups (point-in-time recovery) and AWS Backup";
constexpr std::string_view kBucketTools = "S3 versioning and cross-region replication (CRR)";
constexpr std::string_view kTerraform = "Terraform state, or whatever made it";

// Of hosts of a cloud, by what stands in their names.
constexpr std::array<OutsideService, 13> kHosts = {{
    {".rds.", "RDS database", kDatabaseTools},
    {".docdb.", "DocumentDB cluster", kDatabaseTools},
    {".neptune.", "Neptune cluster", kDatabaseTools},
    {".redshift.", "Redshift cluster", "Redshift snapshots and AWS Backup"},
    {".cache.", "ElastiCache cluster", "ElastiCache backups"},
    {".es.", "OpenSearch domain", "OpenSearch snapshots"},
    {".kafka.", "MSK cluster", "MSK replication, or the topics' own sources"},
    {".mq.", "Amazon MQ broker", kTerraform},
    {".efs.", "EFS file system", "AWS Backup"},
    {".fsx.", "FSx file system", "AWS Backup"},
    {".database.windows.net", "Azure SQL database", "Azure SQL point-in-time restore"},
    {".database.azure.com", "Azure database", "Azure Database backups (point-in-time restore)"},
    {".blob.core.windows.net", "Azure blob container", "Azure blob versioning and replication"},
}};

constexpr std::array<OutsideService, 12> kArns = {{
    {"iam", "IAM role", kTerraform},
    {"s3", "S3 bucket", kBucketTools},
    {"rds", "RDS database", kDatabaseTools},
    {"dynamodb", "DynamoDB table", "DynamoDB point-in-time recovery and AWS Backup"},
    {"sqs", "SQS queue", kTerraform},
    {"sns", "SNS topic", kTerraform},
    {"kms", "KMS key", "multi-region keys; a key that is deleted cannot be brought back"},
    {"secretsmanager", "Secrets Manager secret", "replica secrets in another region"},
    {"ssm", "SSM parameter", kTerraform},
    {"elasticfilesystem", "EFS file system", "AWS Backup"},
    {"acm", "ACM certificate", kTerraform},
    {"elasticloadbalancing", "load balancer", kTerraform},
}};

// What makes an object worth a look.
constexpr std::array<std::string_view, 7> kMarks = {
    "amazonaws.com", "arn:aws", "s3://", ".windows.net", ".azure.com", "ExternalName", "_BUCKET"};

// Those of them that Secrets may hold, as base64.
constexpr std::array<std::string_view, 4> kSecretMarks = {"amazonaws.com", "arn:aws", "s3://",
                                                          ".windows.net"};

bool is_host_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.';
}

bool is_arn_letter(char c) {
  constexpr std::string_view kMore = ":/_*+=,@$";
  return is_host_letter(c) || kMore.find(c) != std::string_view::npos;
}

// The part of `text` around `at` whose letters all fit.
template <typename Fits>
std::string_view word_around(std::string_view text, std::size_t at, Fits fits) {
  std::size_t begin = at;
  while (begin > 0 && fits(text[begin - 1]))
    --begin;
  std::size_t end = at;
  while (end < text.size() && fits(text[end]))
    ++end;
  return text.substr(begin, end - begin);
}

// "books.s3.eu-west-1.amazonaws.com" → "books"; "" if it is no bucket's host.
std::string_view bucket_of(std::string_view host) {
  for (const std::string_view mark : {".s3.", ".s3-"}) {
    if (const auto at = host.find(mark); at != std::string_view::npos) return host.substr(0, at);
  }
  return {};
}

void add_host(std::string_view host, std::vector<OutsideTarget>& out) {
  if (const auto bucket = bucket_of(host); !bucket.empty()) {
    out.push_back({"S3 bucket", std::string(bucket), kBucketTools});
    return;
  }
  // A host of none of these is a service's door: it says of no thing behind it.
  const auto service = std::ranges::find_if(kHosts, [host](const OutsideService& one) {
    return host.find(one.mark) != std::string_view::npos;
  });
  if (service != kHosts.end())
    out.push_back({service->what, std::string(host), service->covered_by});
}

void add_hosts(std::string_view text, std::vector<OutsideTarget>& out) {
  constexpr std::array<std::string_view, 3> kDomains = {".amazonaws.com", ".windows.net",
                                                        ".database.azure.com"};
  for (const std::string_view domain : kDomains) {
    for (std::size_t at = text.find(domain); at != std::string_view::npos;
         at = text.find(domain, at + 1)) {
      add_host(word_around(text, at, is_host_letter), out);
    }
  }
}

void add_arns(std::string_view text, std::vector<OutsideTarget>& out) {
  constexpr std::string_view kArn = "arn:aws";
  for (std::size_t at = text.find(kArn); at != std::string_view::npos;
       at = text.find(kArn, at + 1)) {
    const std::string_view arn = word_around(text.substr(at), 0, is_arn_letter);
    const std::vector<std::string_view> parts = split(arn, ':');
    if (parts.size() < 6) continue;
    const auto service = std::ranges::find(kArns, parts[2], &OutsideService::mark);
    if (service == kArns.end()) {
      out.push_back({"AWS resource", std::string(arn), kTerraform});
    } else if (service->mark == "s3") {
      out.push_back({service->what, std::string(cut(parts[5], "/").before), service->covered_by});
    } else {
      out.push_back({service->what, std::string(arn), service->covered_by});
    }
  }
}

void add_bucket_urls(std::string_view text, std::vector<OutsideTarget>& out) {
  constexpr std::string_view kScheme = "s3://";
  for (std::size_t at = text.find(kScheme); at != std::string_view::npos;
       at = text.find(kScheme, at + 1)) {
    const auto bucket = word_around(text.substr(at + kScheme.size()), 0, is_host_letter);
    if (!bucket.empty()) out.push_back({"S3 bucket", std::string(bucket), kBucketTools});
  }
}

// One object's references while they are gathered.
class Gathering {
 public:
  Gathering(std::string_view group_resource, const Json& object)
      : object_(object_text(group_resource, kube::namespace_of(object), kube::name_of(object))) {}

  void add(std::string_view field, OutsideTarget target) {
    found_.push_back({.what = std::string(target.what),
                      .target = std::move(target.target),
                      .object = object_,
                      .field = std::string(field),
                      .covered_by = std::string(target.covered_by)});
  }

  void add_text(std::string_view field, std::string_view text) {
    for (OutsideTarget& target : outside_targets(text))
      add(field, std::move(target));
  }

  // A setting by its name: of one called S3_BUCKET the value is a bucket.
  void add_setting(std::string_view field, std::string_view name, std::string_view value) {
    const std::string upper = to_upper(name);
    const bool names_bucket = upper.ends_with("BUCKET") || upper.ends_with("BUCKET_NAME");
    const bool plain = !value.empty() && value.find("://") == std::string_view::npos &&
                       std::ranges::all_of(value, is_host_letter);
    if (names_bucket && plain && value.find(".amazonaws.com") == std::string_view::npos) {
      add(field, {"S3 bucket", std::string(value), kBucketTools});
    } else {
      add_text(field, value);
    }
  }

  std::vector<OutsideReference> take() {
    std::ranges::sort(found_);
    const auto [first, last] = std::ranges::unique(found_);
    found_.erase(first, last);
    return std::move(found_);
  }

 private:
  const std::string object_;
  std::vector<OutsideReference> found_;
};

void look_into_config(const Json& config, Gathering& into) {
  const JsonObject* data = object_at(config, "data");
  if (data == nullptr) return;
  for (const auto& [key, value] : *data)
    into.add_setting(fmt::format("data.{}", std::string_view(key)), key, as_text(&value));
}

void look_into_secret(const Json& secret, Gathering& into) {
  const JsonObject* data = object_at(secret, "data");
  // A Helm release is a packed manifest, of which the objects themselves tell.
  if (data == nullptr || string_at(secret, "type").starts_with("helm.sh/")) return;
  for (const auto& [key, value] : *data) {
    const auto text = base64_decode(as_text(&value));
    if (text) into.add_setting(fmt::format("data.{}", std::string_view(key)), key, *text);
  }
}

void look_into_containers(const Json& pod_spec, Gathering& into) {
  for (const std::string_view list : {"containers", "initContainers"}) {
    const JsonArray* containers = array_at(pod_spec, list);
    if (containers == nullptr) continue;
    for (const Json& container : *containers) {
      const std::string_view name = string_at(container, "name");
      if (const JsonArray* env = array_at(container, "env"); env != nullptr) {
        for (const Json& one : *env) {
          const std::string_view variable = string_at(one, "name");
          into.add_setting(fmt::format("{} {} env {}", list, name, variable), variable,
                           string_at(one, "value"));
        }
      }
      for (const std::string_view words : {"command", "args"}) {
        for (const std::string& word : texts_at(container, words))
          into.add_text(fmt::format("{} {} {}", list, name, words), word);
      }
    }
  }
}

void look_into_annotations(const Json& object, Gathering& into) {
  const JsonObject* annotations = kube::annotations_of(object);
  if (annotations == nullptr) return;
  for (const auto& [key, value] : *annotations) {
    const std::string_view name = key;
    // A copy of the object itself.
    if (name == "kubectl.kubernetes.io/last-applied-configuration") continue;
    into.add_text(fmt::format("metadata.annotations.{}", name), as_text(&value));
  }
}

// Custom resources that stand for things of a cloud: "ACK", "Crossplane", or "".
std::string_view controller_of_cloud(std::string_view group) {
  if (group.ends_with(".services.k8s.aws")) return "AWS resource (ACK)";
  if (group.ends_with(".upbound.io") || group.ends_with(".crossplane.io"))
    return "cloud resource (Crossplane)";
  return {};
}

void look_into_cloud_resource(std::string_view what, const Json& object, Gathering& into) {
  std::string_view id = string_at(object, "status.ackResourceMetadata.arn");
  if (id.empty()) id = kube::annotation_of(object, "crossplane.io/external-name");
  if (id.empty()) id = kube::name_of(object);
  into.add("status", {what, fmt::format("{} {}", kube::kind_of(object), id),
                      "the resource's own backup (AWS Backup, point-in-time recovery); the "
                      "controller makes an empty one anew"});
}

// The letters of base64 in which a text shows, whatever stands before it: one form for each of the
// three places that it may begin at.
std::array<std::string, 3> base64_forms(std::string_view text) {
  std::array<std::string, 3> forms;
  for (std::size_t before = 0; before < forms.size(); ++before) {
    const std::size_t whole = (before + text.size()) / 3 * 3;
    std::string padded(before, '\0');
    padded += text;
    const std::string coded = base64_encode(padded.substr(0, whole));
    forms[before] = coded.substr(before == 0 ? 0 : 4);
  }
  return forms;
}

bool secret_may_refer(BytesView json) {
  static const auto kForms = [] {
    std::array<std::array<std::string, 3>, kSecretMarks.size()> forms;
    for (std::size_t i = 0; i < forms.size(); ++i)
      forms[i] = base64_forms(kSecretMarks[i]);
    return forms;
  }();
  for (const auto& forms : kForms) {
    for (const std::string& form : forms) {
      if (has_text(json, form)) return true;
    }
  }
  return has_text(json, "BUCKET") || has_text(json, "bucket");
}

// Besides Secrets and what stands for things of a cloud. Not what a controller makes of these.
bool is_looked_into(std::string_view group_resource) {
  constexpr std::array<std::string_view, 10> kKinds = {
      "configmaps",     "services",         "serviceaccounts", "ingresses.networking.k8s.io",
      "pods",           "deployments.apps", "daemonsets.apps", "statefulsets.apps",
      "cronjobs.batch", "jobs.batch"};
  return std::ranges::find(kKinds, group_resource) != kKinds.end();
}

std::string_view group_of(std::string_view group_resource) {
  return cut(group_resource, ".").after;
}

}  // namespace

std::vector<OutsideTarget> outside_targets(std::string_view text) {
  std::vector<OutsideTarget> found;
  add_hosts(text, found);
  add_arns(text, found);
  add_bucket_urls(text, found);
  return found;
}

bool may_refer_outside(std::string_view group_resource, BytesView json) {
  if (!controller_of_cloud(group_of(group_resource)).empty()) return true;
  if (group_resource == "secrets") return secret_may_refer(json);
  return is_looked_into(group_resource) &&
         std::ranges::any_of(kMarks, [json](auto mark) { return has_text(json, mark); });
}

std::vector<OutsideReference> outside_references(std::string_view group_resource,
                                                 const Json& object) {
  Gathering into(group_resource, object);
  if (const auto what = controller_of_cloud(group_of(group_resource)); !what.empty()) {
    look_into_cloud_resource(what, object, into);
  } else if (group_resource == "configmaps") {
    look_into_config(object, into);
  } else if (group_resource == "secrets") {
    look_into_secret(object, into);
  } else if (group_resource == "services") {
    if (string_at(object, "spec.type") == "ExternalName") {
      const std::string name(string_at(object, "spec.externalName"));
      const auto known = outside_targets(name);
      into.add("spec.externalName",
               known.empty() ? OutsideTarget{"external name", name, "whatever backs that host up"}
                             : known.front());
    }
  } else if (group_resource == "serviceaccounts" ||
             group_resource == "ingresses.networking.k8s.io") {
    look_into_annotations(object, into);
  } else if (const Json* pod = pod_spec_of(group_resource, object);
             pod != nullptr && !kube::controller_of(object)) {
    // What a controller made of a template says nothing new.
    look_into_containers(*pod, into);
  }
  return into.take();
}

}  // namespace lateen::assurance
