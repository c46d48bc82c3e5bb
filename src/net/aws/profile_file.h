// AWS' shared files: profiles of keys and values, as ~/.aws/credentials and ~/.aws/config have
// them. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen::net::aws {

// Keys are lower case. Values may be secret.
using Profile = std::map<std::string, std::string, std::less<>>;
using Profiles = std::map<std::string, Profile, std::less<>>;

// "[name]" and "[profile name]" both begin a profile: Velero uses one file as both kinds. What lies
// deeper (an indented "s3 =" block) and other sections are passed over. InvalidArgument names the
// line, never what is in it.
Result<Profiles> parse_profiles(BytesView text);

// Values of `over` win.
void merge_profiles(Profiles& into, const Profiles& over);

// The value, or "".
std::string_view value_of(const Profile& profile, std::string_view key);

// A credential_process line as a shell would split it, by quotes and backslashes, without being
// one. InvalidArgument for a quote that is not closed.
Result<std::vector<std::string>> split_command(std::string_view line);

}  // namespace lateen::net::aws
