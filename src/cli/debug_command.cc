// `debug`: what somebody else needs to see of an installation, in one archive.
#include <algorithm>

#include "base/file.h"
#include "base/gzip.h"
#include "base/tar.h"
#include "base/text.h"
#include "base/time.h"
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/redact.h"
#include "cli/session.h"
#include "kube/object.h"
#include "model/crds.h"

namespace lateen::cli {
namespace {

constexpr std::string_view kBundleRoot = "velero-bundle";
constexpr std::size_t kLogLines = 200'000;  // of each container, the last ones

const kube::GroupVersionResource kBundlePods{"", "v1", "pods"};

// A tar.gz that grows by a member a file, and appears when it is whole. Not thread-safe.
class Bundle {
 public:
  static Result<Bundle> create(const FilePath& path, TimePoint now) {
    return Bundle(TRY(AtomicFile::create(path, 0600)), now);
  }

  Status add(const std::string& name, BytesView content) {
    const std::string path = fmt::format("{}/{}", kBundleRoot, name);
    Bytes entry;
    TRY(append_tar_header(entry,
                          {.name = path, .size = content.size(), .modified = now_, .mode = 0644}));
    entry += content;
    entry.append(tar_padding(content.size()), '\0');
    TRY(file_.write(gzip_member(entry)));
    names_.push_back(name);
    return {};
  }

  Status finish() {
    Bytes end;
    append_tar_end(end);
    TRY(file_.write(gzip_member(end)));
    return file_.commit();
  }

  const std::vector<std::string>& names() const { return names_; }

 private:
  Bundle(AtomicFile file, TimePoint now) : file_(std::move(file)), now_(now) {}

  AtomicFile file_;
  const TimePoint now_;
  std::vector<std::string> names_;
};

// One call of `debug`. What cannot be had is said in the bundle and stops nothing.
class DebugRun {
 public:
  DebugRun(const Session& session, Bundle& bundle, Invocation& call)
      : session_(session), bundle_(bundle), call_(call) {}

  Status collect() {
    TRY(add_output("version.txt", {"version"}));
    TRY(add_kubernetes_version());
    TRY(add_own_kinds());
    TRY(add_workloads());
    TRY(add_runs("backup"));
    TRY(add_runs("restore"));
    return add_problems();
  }

 private:
  Status add(const std::string& name, BytesView content) {
    if (call_.flags.is("verbose")) call_.console.line("  " + name);
    return bundle_.add(name, content);
  }

  void note(std::string_view what, const Error& error) {
    problems_ += fmt::format("{}: {}\n", what, error.message());
  }

  // What another command of ours prints.
  Status add_output(const std::string& name, std::vector<std::string> words) {
    for (const char* flag : {"kubeconfig", "kubecontext"}) {
      if (call_.flags.given(flag))
        words.push_back(fmt::format("--{}={}", flag, call_.flags.text(flag)));
    }
    words.push_back("--namespace=" + session_.ns());
    TextConsole text;
    dispatch(root_command(call_.program), words, text, call_.clock, call_.stop);
    return add(name, redact_text(text.text()));
  }

  Status add_list(const std::string& name,
                  const kube::ObjectPath& collection,
                  const std::string& label_selector = {}) {
    auto list = session_.client->list(collection, {.label_selector = label_selector}, call_.stop);
    if (!list) {
      if (!list.error().is(Code::NotFound)) note(name, list.error());
      return {};
    }
    const JsonArray* items = array_at(*list, "items");
    if (items == nullptr || items->empty()) return {};
    for (Json& item : ensure(*list, "items").as_array())
      redact(item);
    return add(name, write_yaml(*list));
  }

  Status add_kubernetes_version() {
    const auto version = session_.client->server_version({}, call_.stop);
    if (version) return add("kubernetes-version.json", write_json_pretty(*version) + "\n");
    note("kubernetes-version.json", version.error());
    return {};
  }

  Status add_own_kinds() {
    std::vector<Json> definitions = model::crd_manifests();
    for (Json& own : model::own_crd_manifests())
      definitions.push_back(std::move(own));
    for (const Json& definition : definitions) {
      const std::string plural(string_at(definition, "spec.names.plural"));
      const std::string group(string_at(definition, "spec.group"));
      const JsonArray* versions = array_at(definition, "spec.versions");
      const std::string version(
          versions == nullptr || versions->empty() ? "v1" : string_at(versions->front(), "name"));
      TRY(add_list(fmt::format("objects/{}.{}.yaml", plural, group),
                   {.gvr = {group, version, plural}, .ns = session_.ns()}));
    }
    return {};
  }

  Status add_workloads() {
    const std::string& ns = session_.ns();
    TRY(add_list("workloads/deployments.yaml", {.gvr = {"apps", "v1", "deployments"}, .ns = ns}));
    TRY(add_list("workloads/daemonsets.yaml", {.gvr = {"apps", "v1", "daemonsets"}, .ns = ns}));
    TRY(add_list("workloads/jobs.yaml", {.gvr = {"batch", "v1", "jobs"}, .ns = ns}));
    TRY(add_list("workloads/events.yaml", {.gvr = {"", "v1", "events"}, .ns = ns}));
    TRY(add_list("workloads/pods.yaml", {.gvr = kBundlePods, .ns = ns}));
    const auto pods = session_.client->list({.gvr = kBundlePods, .ns = ns}, {}, call_.stop);
    if (!pods) {
      note("logs of pods", pods.error());
      return {};
    }
    if (const JsonArray* items = array_at(*pods, "items")) {
      for (const Json& pod : *items)
        TRY(add_logs(pod));
    }
    return {};
  }

  Status add_logs(const Json& pod) {
    for (const char* list : {"status.initContainerStatuses", "status.containerStatuses"}) {
      const JsonArray* containers = array_at(pod, list);
      if (containers == nullptr) continue;
      for (const Json& container : *containers) {
        TRY(add_log(pod, string_at(container, "name"), false));
        if (int_at(container, "restartCount").value_or(0) > 0)
          TRY(add_log(pod, string_at(container, "name"), true));
      }
    }
    return {};
  }

  Status add_log(const Json& pod, std::string_view container, bool previous) {
    const std::string pod_name(kube::name_of(pod));
    const std::string name =
        fmt::format("logs/{}/{}{}.log", pod_name, container, previous ? ".previous" : "");
    const kube::ObjectPath path{.gvr = kBundlePods, .ns = session_.ns(), .name = pod_name};
    kube::GetOptions options{.accept = "*/*"};
    options.query = {{"container", std::string(container)},
                     {"tailLines", std::to_string(kLogLines)},
                     {"previous", previous ? "true" : "false"}};
    const auto log = session_.client->get_raw(path.sub("log"), options, call_.stop);
    if (log) return add(name, redact_text(*log));
    note(name, log.error());
    return {};
  }

  // --backup and --restore: how it is described, and its log.
  Status add_runs(const std::string& noun) {
    for (const std::string& run : call_.flags.list(noun)) {
      TRY(add_output(fmt::format("{}_describe_{}.txt", noun, run),
                     {noun, "describe", run, "--details"}));
      TRY(add_output(fmt::format("{}_{}.log", noun, run), {noun, "logs", run}));
    }
    return {};
  }

  Status add_problems() {
    if (problems_.empty()) return {};
    return add("not-collected.txt", redact_text(problems_));
  }

  const Session& session_;
  Bundle& bundle_;
  Invocation& call_;
  std::string problems_;
};

// "./bundle-2026-11-22-10-09-21.tar.gz", in UTC.
std::string bundle_name(TimePoint now) {
  std::string time = format_rfc3339(now).substr(0, 19);
  for (char& c : time) {
    if (c == ':' || c == 'T') c = '-';
  }
  return fmt::format("./bundle-{}.tar.gz", time);
}

Result<int> debug(Invocation& call) {
  const std::string given = call.flags.text("output");
  const std::string path = given.empty() ? bundle_name(call.clock.now()) : given;
  const Session session = TRY(open_session(call));
  // A cluster that does not answer would make a bundle of nothing.
  TRY(session.client->server_version({}, call.stop));
  Bundle bundle = TRY(Bundle::create(path, call.clock.now()));
  TRY(DebugRun(session, bundle, call).collect());
  TRY(bundle.finish());
  call.console.line(fmt::format("The bundle of {} files is in {}.", bundle.names().size(), path));
  call.console.line(
      "Secrets were taken out of it; names, addresses and what logs say were not. Look into it "
      "before you hand it on.");
  return 0;
}

Result<int> bug(Invocation& call) {
  call.console.out(
      fmt::format("**What steps did you take and what happened:**\n\n\n"
                  "**What did you expect to happen:**\n\n\n"
                  "**The output of `{0} debug --backup NAME` or `{0} debug --restore NAME`:**\n\n\n"
                  "**Environment:**\n\n",
                  call.program));
  std::vector<std::string> words = {"version"};
  for (const char* flag : {"kubeconfig", "kubecontext", "namespace"}) {
    if (call.flags.given(flag))
      words.push_back(fmt::format("--{}={}", flag, call.flags.text(flag)));
  }
  dispatch(root_command(call.program), words, call.console, call.clock, call.stop);
  const auto session = open_session(call);
  const auto kubernetes =
      session ? session->client->server_version({}, call.stop) : Result<Json>(session.error());
  call.console.line(
      fmt::format("Kubernetes: {}", kubernetes ? std::string(string_at(*kubernetes, "gitVersion"))
                                               : kubernetes.error().message()));
  return 0;
}

}  // namespace

Command debug_command() {
  return {.name = "debug",
          .usage = "",
          .summary = "Generate debug bundle",
          .flags = {{.name = "output",
                     .usage = "The path of the bundle tarball. Default: "
                              "./bundle-<YYYY-MM-DD-hh-mm-ss>.tar.gz",
                     .names = "file"},
                    {.name = "backup",
                     .kind = FlagKind::ListAppend,
                     .usage = "Collect how this backup is described, and its log. May be repeated.",
                     .type_name = "string",
                     .names = "backup"},
                    {.name = "restore",
                     .kind = FlagKind::ListAppend,
                     .usage = "The same of a restore. May be repeated.",
                     .type_name = "string",
                     .names = "restore"},
                    {.name = "verbose",
                     .kind = FlagKind::Bool,
                     .usage = "Name each file as it is collected."}},
          .run = debug,
          .text =
              "Collects what somebody else needs to see of an installation into one archive: "
              "versions, all objects of\nvelero.io, workloads, events and logs of its "
              "namespace, and of the backups and restores that are named how\nthey are "
              "described and their logs. Needs no kubectl. Secrets are not collected, and what "
              "looks like one is\ntaken out.",
          .max_args = 0};
}

Command bug_command() {
  return {.name = "bug",
          .usage = "",
          .summary = "Print a report of a bug to fill in",
          .run = bug,
          .text =
              "Prints what a report of a bug should say, with the versions filled in. Nothing "
              "is sent anywhere.",
          .max_args = 0};
}

}  // namespace lateen::cli
