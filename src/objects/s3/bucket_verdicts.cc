#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "objects/s3/bucket_properties.h"

namespace lateen::objects::s3 {
namespace {

using net::aws::XmlElement;

int days_at(const XmlElement& element, std::string_view path) {
  const std::string_view text = element.text_of(path);
  int days = 0;
  std::from_chars(text.data(), text.data() + text.size(), days);
  return days;
}

std::string name_of(const XmlElement& rule) {
  const std::string_view id = rule.text_of("ID");
  return id.empty() ? std::string("a rule") : fmt::format("rule {}", id);
}

// What a policy has as one text or as a list of them.
std::vector<std::string> texts(const Json& statement, std::string_view key) {
  const Json* value = find(statement, key);
  std::vector<std::string> all;
  if (value == nullptr) return all;
  if (value->is_array()) {
    for (const Json& one : value->as_array())
      all.emplace_back(as_text(&one));
  } else {
    all.emplace_back(as_text(value));
  }
  return all;
}

bool is_everybody(const Json& statement) {
  const Json* principal = find(statement, "Principal");
  if (principal == nullptr) return false;
  if (as_text(principal) == "*") return true;
  const std::vector<std::string> accounts = texts(statement, "Principal.AWS");
  return std::find(accounts.begin(), accounts.end(), "*") != accounts.end();
}

bool is_plain_http(const Json& statement) {
  const Json* condition = find(find(statement, "Condition"), JsonKey{"Bool"});
  const Json* secure = find(condition, JsonKey{"aws:SecureTransport"});
  if (secure == nullptr) return false;
  if (secure->is_bool()) return !secure->as_bool();
  return as_text(secure) == "false" || (secure->is_array() && secure->as_array().size() == 1 &&
                                        as_text(&secure->as_array().front()) == "false");
}

// Denies everybody everything on the bucket's objects over plain HTTP.
bool denies_plain_http(const Json& statement, std::string_view bucket) {
  const std::vector<std::string> actions = texts(statement, "Action");
  const bool all_actions = std::any_of(actions.begin(), actions.end(), [](const std::string& one) {
    return one == "*" || one == "s3:*";
  });
  const std::string objects = fmt::format("arn:aws:s3:::{}/key", bucket);
  const std::vector<std::string> resources = texts(statement, "Resource");
  const bool all_objects = std::any_of(resources.begin(), resources.end(), [&](const auto& one) {
    // Of other partitions, too: arn:aws-cn:s3:::…
    const Cut parts = cut(one, ":s3:::");
    return one == "*" ||
           glob_match(parts.found ? fmt::format("arn:aws:s3:::{}", parts.after) : one, objects);
  });
  return string_at(statement, "Effect") == "Deny" && is_everybody(statement) && all_actions &&
         all_objects && is_plain_http(statement);
}

}  // namespace

Verdict judge_versioning(const XmlElement* document) {
  const std::string_view status = document == nullptr ? "" : document->text_of("Status");
  if (status == "Enabled") return {true, "enabled"};
  if (status == "Suspended") return {false, "suspended: what is overwritten or deleted is gone"};
  return {false, "never enabled: what is overwritten or deleted is gone"};
}

Verdict judge_encryption(const XmlElement* document) {
  if (document == nullptr) return {false, "no default encryption"};
  const XmlElement* rule = document->find("Rule");
  if (rule == nullptr) return {false, "no default encryption"};
  const std::string algorithm(rule->text_of("ApplyServerSideEncryptionByDefault/SSEAlgorithm"));
  const std::string key(rule->text_of("ApplyServerSideEncryptionByDefault/KMSMasterKeyID"));
  if (!algorithm.starts_with("aws:kms")) {
    return {false, fmt::format("{}: S3's own key, not one of KMS",
                               algorithm.empty() ? std::string("no algorithm") : algorithm)};
  }
  const std::string what = fmt::format("{} with {}", algorithm, key.empty() ? "aws/s3" : key);
  if (rule->text_of("BucketKeyEnabled") != "true") {
    return {false, what + ", but without a bucket key: each object costs a call of KMS"};
  }
  return {true, what + " and a bucket key"};
}

Verdict judge_lifecycle(const XmlElement* document) {
  std::string cold;
  std::string noncurrent;
  if (document == nullptr) return {false, "no rules"};
  for (const XmlElement* rule : document->all("Rule")) {
    if (rule->text_of("Status") != "Enabled") continue;
    if (rule->find("Expiration") != nullptr && days_at(*rule, "Expiration/Days") > 0) {
      return {false,
              fmt::format("{} deletes current objects after {} days: backups and what repositories "
                          "still need would go",
                          name_of(*rule), days_at(*rule, "Expiration/Days"))};
    }
    for (const XmlElement* transition : rule->all("Transition")) {
      const std::string to(transition->text_of("StorageClass"));
      if (to == "GLACIER" || to == "DEEP_ARCHIVE") {
        return {false, fmt::format("{} moves objects to {} after {} days, from where a restore "
                                   "cannot read them for hours",
                                   name_of(*rule), to, days_at(*transition, "Days"))};
      }
      if (to == "GLACIER_IR") {
        cold = fmt::format("GLACIER_IR after {} days", days_at(*transition, "Days"));
      }
    }
    if (const int days = days_at(*rule, "NoncurrentVersionExpiration/NoncurrentDays"); days > 0) {
      noncurrent = fmt::format("noncurrent versions expire after {} days", days);
    }
  }
  if (!cold.empty() && !noncurrent.empty()) return {true, cold + ", " + noncurrent};
  if (cold.empty() && noncurrent.empty()) {
    return {false, "no transition to GLACIER_IR and no expiry of noncurrent versions"};
  }
  return {false, cold.empty() ? "no transition to GLACIER_IR (" + noncurrent + ")"
                              : "no expiry of noncurrent versions (" + cold + ")"};
}

Verdict judge_transport_policy(const Json* policy, std::string_view bucket) {
  if (policy == nullptr) return {false, "the bucket has no policy"};
  const Json* statements = find(*policy, "Statement");
  if (statements == nullptr) return {false, "the policy has no statement"};
  if (statements->is_object() && denies_plain_http(*statements, bucket)) return {true, "denied"};
  if (statements->is_array()) {
    for (const Json& statement : statements->as_array()) {
      if (!denies_plain_http(statement, bucket)) continue;
      const std::string sid(string_at(statement, "Sid"));
      return {true, sid.empty() ? "denied" : fmt::format("denied by statement {}", sid)};
    }
  }
  return {false, "no statement of the policy denies requests over plain HTTP"};
}

Verdict judge_public_access(const XmlElement* document) {
  constexpr std::array<std::string_view, 4> kSettings = {
      "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"};
  std::vector<std::string_view> off;
  for (const std::string_view setting : kSettings) {
    if (document == nullptr || document->text_of(setting) != "true") off.push_back(setting);
  }
  if (off.empty()) return {true, "blocked"};
  if (off.size() == kSettings.size()) return {false, "not blocked"};
  return {false, fmt::format("blocked but for {}", fmt::join(off, ", "))};
}

Verdict judge_replication(const XmlElement* document) {
  if (document == nullptr) return {false, "not configured: a lost region takes the backups along"};
  for (const XmlElement* rule : document->all("Rule")) {
    if (rule->text_of("Status") != "Enabled") continue;
    return {true, fmt::format("to {}", rule->text_of("Destination/Bucket"))};
  }
  return {false, "no rule is enabled"};
}

Verdict judge_object_lock(const XmlElement* document) {
  if (document == nullptr || document->text_of("ObjectLockEnabled") != "Enabled")
    return {.ok = false, .detail = "the bucket was made without object lock"};
  const std::string_view mode = document->text_of("Rule/DefaultRetention/Mode");
  if (mode.empty())
    return {.ok = true, .detail = "enabled; config.objectLockMode locks what Lateen writes"};
  return {.ok = true,
          .detail = fmt::format("enabled, by default {} for {} days", mode,
                                days_at(*document, "Rule/DefaultRetention/Days"))};
}

}  // namespace lateen::objects::s3
