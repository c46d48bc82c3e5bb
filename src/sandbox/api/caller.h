// Who asks: what authentication (a client certificate, a token) or impersonation found out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace lateen::sandbox {

struct Caller {
  std::string username = {};
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::map<std::string, std::vector<std::string>> extra = {};
};

// authentication.k8s.io UserInfo: {"username":...,"uid":...,"groups":[...],"extra":{...}}.
Json user_info(const Caller& caller);

}  // namespace lateen::sandbox
