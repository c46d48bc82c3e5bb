#include "sandbox/runtime/container_plan.h"

#include <algorithm>
#include <array>

#include <pwd.h>
#include <unistd.h>

#include "base/text.h"
#include "kube/object.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The container's own security context wins over its pod's.
std::optional<std::int64_t> security_int(const ContainerPlanInput& input, std::string_view field) {
  if (auto own = int_at(input.container, fmt::format("securityContext.{}", field))) return own;
  return int_at(input.pod, fmt::format("spec.securityContext.{}", field));
}

std::optional<bool> security_bool(const ContainerPlanInput& input, std::string_view field) {
  if (auto own = bool_at(input.container, fmt::format("securityContext.{}", field))) return own;
  return bool_at(input.pod, fmt::format("spec.securityContext.{}", field));
}

struct PasswdEntry {
  std::string home = "/";
  std::uint32_t group = 0;
};

// What the machine's (and so, until a volume hides it, the container's) /etc/passwd says.
PasswdEntry passwd_of(std::uint32_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return {};
  return {.home = entry.pw_dir, .group = entry.pw_gid};
}

Status set_identity(const ContainerPlanInput& input, ContainerSpec& spec) {
  const std::uint32_t uid =
      static_cast<std::uint32_t>(security_int(input, "runAsUser").value_or(0));
  if (uid == 0 && security_bool(input, "runAsNonRoot").value_or(false)) {
    return Error(Code::InvalidArgument, "container has runAsNonRoot and image will run as root");
  }
  spec.uid = uid;
  spec.gid =
      static_cast<std::uint32_t>(security_int(input, "runAsGroup").value_or(passwd_of(uid).group));
  if (const JsonArray* groups = array_at(input.pod, "spec.securityContext.supplementalGroups")) {
    for (const Json& group : *groups) {
      if (group.is_int64()) spec.groups.push_back(static_cast<std::uint32_t>(group.as_int64()));
    }
  }
  if (const auto group = int_at(input.pod, "spec.securityContext.fsGroup")) {
    spec.groups.push_back(static_cast<std::uint32_t>(*group));
  }
  return Status();
}

// HOME comes from the container's own /etc/passwd where a volume brings one; the machine's is what
// we can see from here.
void set_environment(const ContainerPlanInput& input,
                     const Variables& variables,
                     const LocalImage* image,
                     ContainerSpec& spec) {
  Variables all{{"PATH", std::string(kDefaultPath)},
                {"HOSTNAME", spec.hostname},
                {"HOME", passwd_of(spec.uid.value_or(0)).home}};
  for (const std::string& extra : input.extra_env) {
    const std::size_t equals = extra.find('=');
    if (equals != std::string::npos) all[extra.substr(0, equals)] = extra.substr(equals + 1);
  }
  if (image != nullptr) {
    for (const std::string& setting : image->env) {
      const Cut parts = cut(setting, "=");
      all[std::string(parts.before)] =
          expand_variables(parts.after, {{"POD_IP", input.address.pod_ip}});
    }
  }
  for (const auto& [name, value] : variables)
    all[name] = value;
  for (const auto& [name, value] : all)
    spec.env.push_back(fmt::format("{}={}", name, value));
}

// The image's program and its arguments where there is one; else nothing, in a container that runs.
void choose_program(const ContainerPlanInput& input,
                    const Variables& variables,
                    const LocalImage* image,
                    ContainerPlan& plan) {
  plan.spec.argv = container_command(input.container, variables);
  if (!plan.spec.argv.empty()) return;
  if (image != nullptr) {
    plan.spec.argv = container_arguments(input.container, variables);
    plan.spec.argv.insert(plan.spec.argv.begin(), image->paths.front());
    return;
  }
  plan.idle = true;
  if (input.ends) {
    plan.spec.argv = {std::string(kNoProgram)};
  } else {
    plan.spec.argv = {std::string(kPauseProgram), "infinity"};
  }
}

// A volume that is mounted there hides the program, as it would the image's.
void show_program(const LocalImage& image, ContainerSpec& spec) {
  for (const std::string& path : image.paths) {
    const bool replaced = std::any_of(spec.mounts.begin(), spec.mounts.end(),
                                      [&](const BindMount& mount) { return mount.target == path; });
    if (!replaced)
      spec.mounts.push_back({.source = image.program.string(), .target = path, .read_only = true});
  }
}

std::string host_name(const Json& pod) {
  std::string name(string_at(pod, "spec.hostname"));
  if (name.empty()) name = kube::name_of(pod);
  return name.substr(0, 63);
}

}  // namespace

Result<ContainerPlan> plan_container(Api& api, const ContainerPlanInput& input) {
  const std::string_view name = string_at(input.container, "name");
  const Variables variables =
      TRY(container_variables(api, input.pod, input.container, input.address));
  ContainerPlan plan;
  ContainerSpec& spec = plan.spec;
  const LocalImage* image = find_local_image(input.images, string_at(input.container, "image"));
  choose_program(input, variables, image, plan);
  spec.hostname = host_name(input.pod);
  spec.working_dir = string_at(input.container, "workingDir");
  TRY(set_identity(input, spec));
  set_environment(input, variables, image, spec);
  spec.mounts = TRY(container_mounts(input.container, input.volumes, variables));
  if (image != nullptr) show_program(*image, spec);
  for (const std::string_view file : {"hosts", "hostname", "resolv.conf"}) {
    const std::string target = fmt::format("/etc/{}", file);
    const bool replaced =
        std::any_of(spec.mounts.begin(), spec.mounts.end(),
                    [&](const BindMount& mount) { return mount.target == target; });
    if (!replaced)
      spec.mounts.push_back(
          {.source = input.paths.etc(file).string(), .target = target, .read_only = false});
  }
  std::string_view termination = string_at(input.container, "terminationMessagePath");
  if (termination.empty()) termination = "/dev/termination-log";
  spec.mounts.push_back({.source = input.paths.termination_log(name).string(),
                         .target = std::string(termination),
                         .read_only = false});
  spec.read_only_root =
      bool_at(input.container, "securityContext.readOnlyRootFilesystem").value_or(false);
  spec.scratch = input.paths.scratch(name).string();
  spec.log_file = input.paths.log(name, input.restart).string();
  spec.pid_file = input.paths.pid_file(name).string();
  return plan;
}

}  // namespace lateen::sandbox
