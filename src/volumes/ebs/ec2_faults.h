// What EC2's refusals mean to somebody who backs up volumes. Pure.
#pragma once

#include <string_view>

#include "base/result.h"
#include "net/aws/service.h"

namespace lateen::volumes::ebs {

// The error with a hint that says what to do: which permission is missing and how the encoded
// reason is read, which quota is used up, what was throttled. `action` is the call: "CreateVolume".
// EC2's encoded message goes from the text into the hint.
Error explain(Error error, const net::aws::ServiceFault& fault, std::string_view action);

bool is_unauthorized(const net::aws::ServiceFault& fault);

}  // namespace lateen::volumes::ebs
