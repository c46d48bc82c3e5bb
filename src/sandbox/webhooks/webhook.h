// One entry of a webhook configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "kube/selector.h"

namespace lateen::sandbox::webhooks {

struct Rule {
  std::vector<std::string> operations = {};
  std::vector<std::string> api_groups = {};
  std::vector<std::string> api_versions = {};
  std::vector<std::string> resources = {};
  std::string scope = "*";
};

struct ServiceTarget {
  std::string ns = {};
  std::string name = {};
  std::string path = {};
  std::int64_t port = 443;
};

struct Webhook {
  std::string name = {};
  bool mutating = false;
  std::string url = {};  // or `service`
  std::optional<ServiceTarget> service = {};
  std::string ca_pem = {};  // "": the system's authorities
  std::vector<Rule> rules = {};
  bool ignores_failure = false;
  bool exact_match = false;
  kube::LabelSelector namespace_selector = {};
  kube::LabelSelector object_selector = {};
  bool has_side_effects = false;  // refuses dry runs
  bool again_if_changed = false;  // reinvocationPolicy: IfNeeded
  std::chrono::seconds timeout = std::chrono::seconds(10);
};

// The webhooks of a stored configuration, in their order.
std::vector<Webhook> webhooks_of(const Json& configuration, bool mutating);

}  // namespace lateen::sandbox::webhooks
