#include "volumes/ebs/ec2_faults.h"

#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace lateen::volumes::ebs {
namespace {

using net::aws::ServiceFault;

struct Meaning {
  std::string_view code;
  Code kind;
  bool retryable;
  std::string_view hint;
};

constexpr std::array kMeanings = {
    Meaning{"SnapshotLimitExceeded", Code::TooManyRequests, false,
            "The account has no EBS snapshots left in this region: delete backups that are no "
            "longer needed, or have the quota \"Snapshots per Region\" raised (Service Quotas, "
            "Amazon EBS)."},
    Meaning{"ConcurrentSnapshotLimitExceeded", Code::TooManyRequests, true,
            "EBS makes only a few snapshots of one volume at a time: wait until those that are "
            "pending are completed, or let schedules run further apart."},
    Meaning{"SnapshotCreationPerVolumeRateExceeded", Code::TooManyRequests, true,
            "EBS takes one snapshot of a volume every 15 seconds at most."},
    Meaning{"VolumeLimitExceeded", Code::TooManyRequests, false,
            "The account has no EBS storage left for volumes in this region: have the quota raised "
            "(Service Quotas, Amazon EBS)."},
    Meaning{"MaxIOPSLimitExceeded", Code::TooManyRequests, false,
            "The account has no provisioned IOPS left in this region: have the quota raised "
            "(Service Quotas, Amazon EBS)."},
    Meaning{"RequestLimitExceeded", Code::TooManyRequests, true,
            "EC2 throttles the account's calls: other programs of the account ask for much, too. "
            "Let the schedules run further apart."},
    Meaning{"InvalidSnapshot.NotFound", Code::NotFound, false,
            "Snapshots are seen only in the region and the account that they are in: compare the "
            "snapshot location's config.region and its credentials."},
    Meaning{"InvalidVolume.NotFound", Code::NotFound, false,
            "Volumes are seen only in the region and the account that they are in: compare the "
            "snapshot location's config.region and its credentials."},
    Meaning{"InvalidSnapshot.InUse", Code::Conflict, true,
            "A machine image (AMI) is made of this snapshot: deregister the image first."},
    Meaning{"IncorrectState", Code::Conflict, true,
            "The snapshot or volume is in a state that does not allow this; look at it with "
            "`aws ec2 describe-snapshots` or `describe-volumes`."},
    Meaning{"InvalidZone.NotFound", Code::InvalidArgument, false,
            "The zone is not one of the snapshot location's region: compare config.region, or set "
            "config.availabilityZone to a zone of the cluster that is restored to."},
    Meaning{"VolumeTypeNotAvailableInZone", Code::InvalidArgument, false,
            "The zone has no volumes of this type: restore into another zone (config."
            "availabilityZone of the snapshot location)."},
    Meaning{"TagLimitExceeded", Code::InvalidArgument, false,
            "EC2 keeps 50 tags on a resource: remove some from the volume, or use config.tagProfile"
            "=owned, which does not copy them."},
    Meaning{"OptInRequired", Code::Forbidden, false,
            "The account is not enabled for EC2 in this region."},
    Meaning{"AuthFailure", Code::Unauthenticated, false,
            "EC2 does not accept the credentials: are they of this partition, and is the clock "
            "right?"},
    Meaning{"UnsupportedOperation", Code::Unsupported, false, ""},
};

constexpr std::string_view kEncoded = "Encoded authorization failure message: ";

// "… is not authorized to perform: ec2:CreateTags on resource: …": which action it really was.
std::string denied_action(std::string_view message, std::string_view action) {
  constexpr std::string_view kMark = "to perform: ";
  const std::size_t at = message.find(kMark);
  if (at == std::string_view::npos) return fmt::format("ec2:{}", action);
  const std::string_view rest = message.substr(at + kMark.size());
  return std::string(rest.substr(0, rest.find_first_of(" ,.")));
}

std::string hint_of_denial(const ServiceFault& fault, std::string_view action) {
  const std::string denied = denied_action(fault.message, action);
  std::string hint = fmt::format(
      "The server's credentials may not do {}: add it to their policy, for this resource and with "
      "these tags.",
      denied);
  const std::size_t at = fault.message.find(kEncoded);
  if (at == std::string::npos) return hint;
  const std::string_view encoded =
      trim(std::string_view(fault.message).substr(at + kEncoded.size()));
  return fmt::format(
      "{} AWS says why to: aws sts decode-authorization-message --query DecodedMessage --output "
      "text --encoded-message {}",
      hint, encoded.substr(0, encoded.find(' ')));
}

}  // namespace

bool is_unauthorized(const ServiceFault& fault) {
  return fault.code == "UnauthorizedOperation" || fault.code == "AccessDenied";
}

Error explain(Error error, const ServiceFault& fault, std::string_view action) {
  if (is_unauthorized(fault)) {
    const std::size_t at = fault.message.find(kEncoded);
    if (at == std::string::npos) {
      return std::move(error).with_code(Code::Forbidden).with_hint(hint_of_denial(fault, action));
    }
    const std::string said(trim(std::string_view(fault.message).substr(0, at)));
    return Error(Code::Forbidden, "{}: {}: {}", action, fault.code, said)
        .with_hint(hint_of_denial(fault, action));
  }
  for (const Meaning& meaning : kMeanings) {
    if (meaning.code != fault.code) continue;
    error = std::move(error).with_code(meaning.kind).with_retryable(meaning.retryable);
    if (!meaning.hint.empty()) error = std::move(error).with_hint(std::string(meaning.hint));
    break;
  }
  return error;
}

}  // namespace lateen::volumes::ebs
