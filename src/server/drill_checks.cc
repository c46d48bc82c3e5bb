// The questions that a drill asks of what it has restored.
#include <algorithm>

#include "assurance/drill.h"
#include "base/text.h"
#include "base/utf8.h"
#include "kube/exec.h"
#include "kube/object.h"
#include "server/drill_run.h"

namespace lateen::server {
namespace {

constexpr Duration kCheckTimeout = std::chrono::minutes(2);
constexpr Duration kCheckPause = std::chrono::milliseconds(500);
constexpr std::size_t kMostObserved = 512;

// What one look has found.
struct Answer {
  std::string observed = {};
  std::string why_not = {};  // "": passed
};

Result<std::vector<Json>> list_in(const ServerContext& context,
                                  std::string_view resource,
                                  const std::string& ns,
                                  const std::string& selector,
                                  std::stop_token stop) {
  const Json list = TRY(context.client().list({.gvr = {"", "v1", std::string(resource)}, .ns = ns},
                                              {.label_selector = selector}, stop));
  const JsonArray* items = array_at(list, "items");
  return items == nullptr ? std::vector<Json>() : std::vector<Json>(items->begin(), items->end());
}

bool is_over(const Json& pod) {
  return string_at(pod, "status.phase") == "Succeeded";
}

bool is_ready(const Json& pod) {
  return kube::is_condition_true(pod, "Ready") && !kube::is_being_deleted(pod);
}

// The namespaces that a check is about, as they were restored.
Result<std::vector<std::string>> targets_of(const model::DrillCheck& check,
                                            const model::StringMap& namespaces) {
  std::vector<std::string> targets;
  for (const auto& [ns, target] : namespaces) {
    if (check.ns.empty() || check.ns == ns) targets.push_back(target);
  }
  if (!targets.empty()) return targets;
  return Error(Code::InvalidArgument, "namespace {} was not restored", check.ns);
}

Result<Answer> look_at_pods(const ServerContext& context,
                            const model::DrillCheck& check,
                            const std::vector<std::string>& targets,
                            std::stop_token stop) {
  std::int64_t ready = 0;
  std::vector<std::string> waiting;
  for (const std::string& ns : targets) {
    for (const Json& pod : TRY(list_in(context, "pods", ns, check.selector, stop))) {
      if (is_ready(pod)) {
        ++ready;
      } else if (!is_over(pod)) {
        waiting.push_back(
            fmt::format("{} is {}", kube::object_key(pod), string_at(pod, "status.phase")));
      }
    }
  }
  Answer answer{.observed = fmt::format("{} pods are Ready", ready)};
  if (!waiting.empty()) {
    answer.why_not = fmt::format("not Ready: {}", join(waiting, ", "));
  } else if (ready < check.minimum) {
    answer.why_not = fmt::format("{} pods are Ready, and {} must be", ready, check.minimum);
  }
  return answer;
}

// A claim that waits for its first consumer, and has none, is as it should be.
bool is_used(const Json& claim, const std::vector<Json>& pods) {
  return std::any_of(pods.begin(), pods.end(), [&claim](const Json& pod) {
    const JsonArray* volumes = array_at(pod, "spec.volumes");
    if (volumes == nullptr) return false;
    return std::any_of(volumes->begin(), volumes->end(), [&claim](const Json& volume) {
      return string_at(volume, "persistentVolumeClaim.claimName") == kube::name_of(claim);
    });
  });
}

Result<Answer> look_at_claims(const ServerContext& context,
                              const model::DrillCheck& check,
                              const std::vector<std::string>& targets,
                              std::stop_token stop) {
  std::int64_t bound = 0;
  std::vector<std::string> waiting;
  for (const std::string& ns : targets) {
    const auto pods = TRY(list_in(context, "pods", ns, {}, stop));
    for (const Json& claim :
         TRY(list_in(context, "persistentvolumeclaims", ns, check.selector, stop))) {
      const std::string_view phase = string_at(claim, "status.phase");
      if (phase == "Bound") {
        ++bound;
      } else if (phase != "Pending" || is_used(claim, pods)) {
        waiting.push_back(fmt::format("{} is {}", kube::object_key(claim), phase));
      }
    }
  }
  Answer answer{.observed = fmt::format("{} claims are Bound", bound)};
  if (!waiting.empty()) {
    answer.why_not = fmt::format("not Bound: {}", join(waiting, ", "));
  } else if (bound < check.minimum) {
    answer.why_not = fmt::format("{} claims are Bound, and {} must be", bound, check.minimum);
  }
  return answer;
}

// The pod to ask: by its name, or the first Ready one by selector.
Result<Json> pod_to_ask(const ServerContext& context,
                        const model::DrillCheck& check,
                        const std::vector<std::string>& targets,
                        std::stop_token stop) {
  for (const std::string& ns : targets) {
    for (Json& pod : TRY(list_in(context, "pods", ns, check.selector, stop))) {
      const bool is_it = check.pod.empty() || kube::name_of(pod) == check.pod;
      if (is_it && is_ready(pod)) return std::move(pod);
    }
  }
  return Error(Code::NotFound, "no Ready pod {}",
               check.pod.empty() ? "matches " + check.selector : "is called " + check.pod);
}

Result<Answer> ask_pod(const ServerContext& context,
                       const model::DrillCheck& check,
                       const std::vector<std::string>& targets,
                       std::stop_token stop) {
  const Json pod = TRY(pod_to_ask(context, check, targets, stop));
  const kube::ExecOutcome outcome = TRY(kube::exec_in_pod(
      context.client(),
      {.ns = std::string(kube::namespace_of(pod)),
       .pod = std::string(kube::name_of(pod)),
       .container = check.container,
       .command = assurance::check_command(check, string_at(pod, "status.podIP"))},
      stop));
  Answer answer;
  answer.why_not = assurance::judge_answer(check, outcome.exit_code, outcome.out, outcome.err);
  const std::string_view shown = trim(outcome.out);
  // A page may be long, and may hold what is nobody's business.
  answer.observed = check.type == "http" && check.expect.equals.empty()
                        ? fmt::format("{} bytes", outcome.out.size())
                        : to_valid_utf8(shown.substr(0, kMostObserved));
  return answer;
}

Result<Answer> look(const ServerContext& context,
                    const model::DrillCheck& check,
                    const std::vector<std::string>& targets,
                    std::stop_token stop) {
  if (check.type == "podsReady") return look_at_pods(context, check, targets, stop);
  if (check.type == "claimsBound") return look_at_claims(context, check, targets, stop);
  return ask_pod(context, check, targets, stop);
}

}  // namespace

model::DrillCheckResult make_check(const ServerContext& context,
                                   const model::DrillCheck& check,
                                   const model::StringMap& namespaces,
                                   Deadline deadline,
                                   std::stop_token stop) {
  model::DrillCheckResult result{.name = check.name.empty() ? check.type : check.name,
                                 .type = check.type};
  const auto targets = targets_of(check, namespaces);
  if (!targets) {
    result.message = targets.error().message();
    return result;
  }
  const Deadline until =
      Deadline::after(check.timeout.value_or(kCheckTimeout)).earlier_of(deadline);
  while (true) {
    const auto answer = look(context, check, *targets, stop);
    result.observed = answer ? answer->observed : std::string();
    result.message = answer ? answer->why_not : answer.error().message();
    result.passed = result.message.empty();
    if (result.passed || until.expired() || !sleep_unless_stopped(kCheckPause, stop)) return result;
  }
}

}  // namespace lateen::server
