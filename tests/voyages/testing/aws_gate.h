// AWS as a voyage meets it: moto, behind the gate that checks signatures, tokens and policies
// (tests/tools/awsgate).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/process.h"

namespace lateen::voyages {

// Ends with the test. Not thread-safe.
class AwsGate {
 public:
  // Null, and a failure of the test, when it does not come up.
  static std::unique_ptr<AwsGate> start();

  AwsGate(Child child, std::string url, std::string moto)
      : child_(std::move(child)), url_(std::move(url)), moto_(std::move(moto)) {}

  const std::string& url() const { return url_; }

  // The test's own door: configure, advance, token, revoke, log (awsgate/gate.py).
  Json control(std::string_view name, const Json& settings) const;

  // A ServiceAccount's token, as the cluster would mount it.
  std::string token(std::string_view subject, int lifetime_seconds) const;

  // To moto itself, which asks nobody for permission: EC2's answer to a form, and S3's to a
  // request.
  std::string ec2(const std::string& form) const;
  std::string s3(std::string_view method,
                 const std::string& path,
                 std::string_view body = {}) const;

  // The text between the first <name> and </name>.
  static std::string element(const std::string& xml, std::string_view name);
  static int count(const std::string& text, std::string_view part);

 private:
  Child child_;
  std::string url_;
  std::string moto_;
};

}  // namespace lateen::voyages
