#include "sandbox/testing/cluster.h"

#include <gtest/gtest.h>

#include "base/yaml.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"

namespace lateen::sandbox::testing {
namespace {

constexpr Duration kWait = std::chrono::seconds(120);
constexpr Duration kPause = std::chrono::milliseconds(10);

template <typename T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().describe();
    std::abort();
  }
  return std::move(*result);
}

}  // namespace

Cluster::Cluster(bool records_only)
    : dir_(must(TempDir::create("lateen-cluster"))), records_only_(records_only) {
  // Programs of other users must be able to reach their volumes.
  std::filesystem::permissions(dir_.path(), std::filesystem::perms::owner_all |
                                                std::filesystem::perms::others_exec |
                                                std::filesystem::perms::group_exec);
  store_ = must(Store::open({.path = (dir_.path() / "state.db").string()}));
  api_ = std::make_unique<ApiServer>(*store_, clock_, rng_, Log());
  start_node();
}

Cluster::~Cluster() {
  node_.reset();
}

void Cluster::start_node() {
  NodeOptions options;
  options.dir = dir();
  options.ca_pem = "a certificate";
  options.records_only = records_only_;
  options.faults = &faults_;
  options.images = {{.name = "shell",
                     .program = "/bin/sh",
                     .paths = {"/opt/shell", "/shell"},
                     .env = {"OWN_ADDRESS=$(POD_IP)"}}};
  node_ = std::make_unique<Node>(*api_, options, Log(), clock_);
  const auto started = node_->start();
  if (!started) ADD_FAILURE() << started.error().describe();
}

void Cluster::restart_node() {
  node_.reset();
  start_node();
}

void Cluster::create(std::string_view yaml) {
  for (Json& object : must(parse_yaml_documents(yaml))) {
    const auto served = api_->find_kind(kube::api_version_of(object), kube::kind_of(object));
    ASSERT_TRUE(served) << kube::kind_of(object);
    const std::string ns(kube::namespace_of(object));
    auto made = api_->create(served->type.gvr, ns, std::move(object), WriteOptions());
    EXPECT_TRUE(made) << made.error().message();
  }
}

void Cluster::create_namespace(std::string_view name) {
  create(fmt::format("{{apiVersion: v1, kind: Namespace, metadata: {{name: {}}}}}", name));
  (void)wait(resources::kServiceAccounts, name, "default", [](const Json&) { return true; });
}

std::optional<Json> Cluster::get(const kube::GroupVersionResource& gvr,
                                 std::string_view ns,
                                 std::string_view name) {
  auto object = api_->get(gvr, ns, name);
  if (!object) return std::nullopt;
  return std::move(*object);
}

Json Cluster::wait(const kube::GroupVersionResource& gvr,
                   std::string_view ns,
                   std::string_view name,
                   const Fits& fits) {
  const Deadline deadline = Deadline::after(kWait);
  auto object = get(gvr, ns, name);
  while (!(object && fits(*object)) && !deadline.expired()) {
    (void)sleep_unless_stopped(kPause, {});
    object = get(gvr, ns, name);
  }
  if (!object) {
    ADD_FAILURE() << gvr.resource << " " << name << " is not there";
    return Json(JsonObject());
  }
  if (!fits(*object)) {
    std::string events;
    for (const Json& event : list(resources::kEvents, ns))
      events += fmt::format("{}: {}\n", string_at(event, "reason"), string_at(event, "message"));
    ADD_FAILURE() << gvr.resource << " " << name << " is " << write_json_pretty(*object) << "\n"
                  << events;
  }
  return *object;
}

void Cluster::wait_gone(const kube::GroupVersionResource& gvr,
                        std::string_view ns,
                        std::string_view name) {
  const Deadline deadline = Deadline::after(kWait);
  auto object = get(gvr, ns, name);
  while (object && !deadline.expired()) {
    (void)sleep_unless_stopped(kPause, {});
    object = get(gvr, ns, name);
  }
  if (object)
    ADD_FAILURE() << gvr.resource << " " << name
                  << " is still there: " << write_json_pretty(*object);
}

std::vector<Json> Cluster::list(const kube::GroupVersionResource& gvr,
                                std::string_view ns,
                                std::string_view selector) {
  ListOptions options;
  options.ns = ns;
  options.label_selector = selector;
  auto found = api_->list(gvr, options);
  EXPECT_TRUE(found) << found.error().message();
  return found ? std::move(found->items) : std::vector<Json>();
}

void Cluster::remove(const kube::GroupVersionResource& gvr,
                     std::string_view ns,
                     std::string_view name,
                     std::string_view policy) {
  DeleteOptions options;
  options.propagation_policy = policy;
  auto removed = api_->remove(gvr, ns, name, options);
  EXPECT_TRUE(removed) << removed.error().message();
}

void Cluster::patch(const kube::GroupVersionResource& gvr,
                    std::string_view ns,
                    std::string_view name,
                    std::string_view merge_patch) {
  auto patched =
      api_->patch(gvr, ns, name, PatchType::Merge, must(parse_json(merge_patch)), WriteOptions());
  EXPECT_TRUE(patched) << patched.error().message();
}

Json Cluster::wait_ready(std::string_view ns, std::string_view pod) {
  return wait(resources::kPods, ns, pod,
              [](const Json& object) { return kube::is_condition_true(object, "Ready"); });
}

ExecOutcome Cluster::exec(std::string_view ns,
                          std::string_view pod,
                          std::vector<std::string> command,
                          std::string_view input) {
  const Json object = *get(resources::kPods, ns, pod);
  const std::string container(string_at(array_at(object, "spec.containers")->front(), "name"));
  ExecOptions options;
  options.command = std::move(command);
  options.stdin_open = !input.empty();
  ExecOutcome outcome;
  auto session = node_->pods().exec(
      {.ns = std::string(ns), .pod = std::string(pod), .container = container}, options);
  if (!session) {
    ADD_FAILURE() << session.error().describe();
    return outcome;
  }
  if (!input.empty()) {
    EXPECT_TRUE((*session)->write_stdin(input, {}));
    (*session)->close_stdin();
  }
  while (true) {
    auto output = (*session)->read(Deadline::after(kWait), {});
    if (!output) {
      ADD_FAILURE() << output.error().describe();
      return outcome;
    }
    if (!*output) break;
    ((*output)->stream == ExecOutput::Stream::Stdout ? outcome.out : outcome.err) +=
        (*output)->bytes;
  }
  outcome.exit_code = (*session)->exit_code();
  return outcome;
}

std::string Cluster::logs(std::string_view ns, std::string_view pod, bool previous) {
  const Json object = *get(resources::kPods, ns, pod);
  const std::string container(string_at(array_at(object, "spec.containers")->front(), "name"));
  LogOptions options;
  options.previous = previous;
  auto stream = node_->pods().logs(
      {.ns = std::string(ns), .pod = std::string(pod), .container = container}, options);
  if (!stream) return stream.error().message();
  std::string out;
  while (true) {
    auto bytes = (*stream)->read(Deadline::after(kWait), {});
    if (!bytes || !*bytes) return out;
    out += **bytes;
  }
}

}  // namespace lateen::sandbox::testing
