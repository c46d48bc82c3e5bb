// Takes secrets out of what a person will hand on: objects and logs of a debug bundle. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace lateen::cli {

// What a secret is replaced by.
inline constexpr std::string_view kRedacted = "REDACTED";

// Values behind "signature=", "password=", "token=", "Bearer " and their like, and PEM private
// keys.
std::string redact_text(std::string_view text);

// The same in every text of an object; and whole: what is called a password, token or secret key,
// values of such variables of containers, data of Secrets, signed links. Managed fields and the
// last applied configuration go as well.
void redact(Json& object);

}  // namespace lateen::cli
