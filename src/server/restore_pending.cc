#include "server/restore_pending.h"

#include "base/duration.h"
#include "base/json.h"

namespace lateen::server {
namespace {

using model::RestoreExecHook;
using restore::HookedPod;
using restore::ProvisionedClaim;

Json to_json(const RestoreExecHook& hook) {
  JsonArray command;
  for (const std::string& word : hook.command)
    command.emplace_back(word);
  return JsonObject{
      {"name", hook.name},
      {"source", hook.source == model::HookSource::Annotation ? "annotation" : "spec"},
      {"container", hook.container},
      {"command", std::move(command)},
      {"continueOnError", hook.continue_on_error},
      {"execTimeout", format_go_duration(hook.exec_timeout)},
      {"waitTimeout", format_go_duration(hook.wait_timeout)},
      {"waitForReady", hook.wait_for_ready}};
}

Result<RestoreExecHook> to_hook(const Json& json) {
  RestoreExecHook hook;
  hook.name = string_at(json, "name");
  hook.source = string_at(json, "source") == "annotation" ? model::HookSource::Annotation
                                                          : model::HookSource::Spec;
  hook.container = string_at(json, "container");
  if (const JsonArray* command = array_at(json, "command")) {
    for (const Json& word : *command)
      hook.command.emplace_back(as_text(&word));
  }
  hook.continue_on_error = bool_at(json, "continueOnError").value_or(false);
  hook.exec_timeout = TRY(parse_go_duration(string_at(json, "execTimeout")));
  hook.wait_timeout = TRY(parse_go_duration(string_at(json, "waitTimeout")));
  hook.wait_for_ready = bool_at(json, "waitForReady").value_or(false);
  return hook;
}

Json to_json(const HookedPod& pod) {
  JsonArray hooks;
  for (const RestoreExecHook& hook : pod.hooks)
    hooks.push_back(to_json(hook));
  return JsonObject{{"namespace", pod.ns}, {"name", pod.name},   {"hooks", std::move(hooks)},
                    {"begun", pod.begun},  {"ended", pod.ended}, {"gaveUp", pod.gave_up}};
}

Result<HookedPod> to_pod(const Json& json) {
  HookedPod pod{.ns = std::string(string_at(json, "namespace")),
                .name = std::string(string_at(json, "name"))};
  if (const JsonArray* hooks = array_at(json, "hooks")) {
    for (const Json& hook : *hooks)
      pod.hooks.push_back(TRY(to_hook(hook)));
  }
  const std::int64_t begun = int_at(json, "begun").value_or(-1);
  const std::int64_t ended = int_at(json, "ended").value_or(-1);
  if (ended < 0 || begun < ended || begun > ended + 1 ||
      begun > static_cast<std::int64_t>(pod.hooks.size())) {
    return Error(Code::Corrupt, "the hooks of pod {}/{}: {} begun and {} ended of {}", pod.ns,
                 pod.name, begun, ended, pod.hooks.size());
  }
  pod.begun = static_cast<std::size_t>(begun);
  pod.ended = static_cast<std::size_t>(ended);
  pod.gave_up = bool_at(json, "gaveUp").value_or(false);
  return pod;
}

Json to_json(const ProvisionedClaim& claim) {
  JsonObject labels;
  for (const auto& [key, value] : claim.labels)
    labels[key] = value;
  return JsonObject{{"namespace", claim.ns},
                    {"name", claim.name},
                    {"reclaimPolicy", claim.reclaim_policy},
                    {"labels", std::move(labels)}};
}

ProvisionedClaim to_claim(const Json& json) {
  ProvisionedClaim claim{.ns = std::string(string_at(json, "namespace")),
                         .name = std::string(string_at(json, "name")),
                         .reclaim_policy = std::string(string_at(json, "reclaimPolicy")),
                         .labels = {}};
  if (const JsonObject* labels = object_at(json, "labels")) {
    for (const auto& [key, value] : *labels)
      claim.labels[std::string(key)] = as_text(&value);
  }
  return claim;
}

}  // namespace

std::string write_restore_pending(const restore::RestoreOutcome& outcome) {
  JsonArray pods;
  for (const HookedPod& pod : outcome.hooked_pods)
    pods.push_back(to_json(pod));
  JsonArray claims;
  for (const ProvisionedClaim& claim : outcome.provisioned_claims)
    claims.push_back(to_json(claim));
  return write_json(JsonObject{{"version", 1},
                               {"hookedPods", std::move(pods)},
                               {"provisionedClaims", std::move(claims)},
                               {"hooksAttempted", outcome.hooks.hooks_attempted},
                               {"hooksFailed", outcome.hooks.hooks_failed}});
}

Status read_restore_pending(BytesView text, restore::RestoreOutcome& outcome) {
  const Json document = TRY(parse_json(text).wrap("what a restore has still to see to"));
  if (int_at(document, "version") != 1) {
    return Error(Code::Corrupt, "what a restore has still to see to is of an unknown version");
  }
  if (const JsonArray* pods = array_at(document, "hookedPods")) {
    for (const Json& pod : *pods)
      outcome.hooked_pods.push_back(TRY(to_pod(pod)));
  }
  if (const JsonArray* claims = array_at(document, "provisionedClaims")) {
    for (const Json& claim : *claims)
      outcome.provisioned_claims.push_back(to_claim(claim));
  }
  outcome.hooks.hooks_attempted = int_at(document, "hooksAttempted").value_or(0);
  outcome.hooks.hooks_failed = int_at(document, "hooksFailed").value_or(0);
  return {};
}

}  // namespace lateen::server
