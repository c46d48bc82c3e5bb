#include "sandbox/runtime/container_spec.h"

namespace lateen::sandbox {
namespace {

std::optional<std::uint32_t> id_at(const Json& json, std::string_view path) {
  const auto value = int_at(json, path);
  if (!value) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

std::string_view mode_word(ContainerMode mode) {
  switch (mode) {
    case ContainerMode::Run:
      return "run";
    case ContainerMode::Exec:
      return "exec";
    case ContainerMode::Probe:
      return "probe";
  }
  return "";
}

}  // namespace

Json to_json(const ContainerSpec& spec) {
  JsonArray mounts;
  for (const BindMount& mount : spec.mounts) {
    mounts.push_back(JsonObject{
        {"source", mount.source}, {"target", mount.target}, {"readOnly", mount.read_only}});
  }
  JsonArray groups;
  for (const std::uint32_t group : spec.groups)
    groups.emplace_back(group);
  JsonObject out{{"mode", mode_word(spec.mode)},
                 {"argv", texts_json(spec.argv)},
                 {"env", texts_json(spec.env)},
                 {"workingDir", spec.working_dir},
                 {"groups", std::move(groups)},
                 {"hostname", spec.hostname},
                 {"scratch", spec.scratch},
                 {"mounts", std::move(mounts)},
                 {"readOnlyRoot", spec.read_only_root},
                 {"logFile", spec.log_file},
                 {"pidFile", spec.pid_file},
                 {"targetPid", spec.target_pid},
                 {"targetStart", static_cast<std::int64_t>(spec.target_start)},
                 {"tty", spec.tty}};
  if (spec.uid) out["uid"] = *spec.uid;
  if (spec.gid) out["gid"] = *spec.gid;
  return out;
}

Result<ContainerSpec> parse_container_spec(const Json& json) {
  ContainerSpec spec;
  const std::string_view mode = string_at(json, "mode");
  if (mode == "exec") {
    spec.mode = ContainerMode::Exec;
  } else if (mode == "probe") {
    spec.mode = ContainerMode::Probe;
  } else if (mode != "run") {
    return Error(Code::InvalidArgument, "a container spec of mode \"{}\"", mode);
  }
  spec.argv = texts_at(json, "argv");
  spec.env = texts_at(json, "env");
  spec.working_dir = string_at(json, "workingDir");
  spec.uid = id_at(json, "uid");
  spec.gid = id_at(json, "gid");
  if (const JsonArray* groups = array_at(json, "groups")) {
    for (const Json& group : *groups)
      spec.groups.push_back(group.to_number<std::uint32_t>());
  }
  spec.hostname = string_at(json, "hostname");
  spec.scratch = string_at(json, "scratch");
  if (const JsonArray* mounts = array_at(json, "mounts")) {
    for (const Json& mount : *mounts) {
      spec.mounts.push_back({.source = std::string(string_at(mount, "source")),
                             .target = std::string(string_at(mount, "target")),
                             .read_only = bool_at(mount, "readOnly").value_or(false)});
    }
  }
  spec.read_only_root = bool_at(json, "readOnlyRoot").value_or(false);
  spec.log_file = string_at(json, "logFile");
  spec.pid_file = string_at(json, "pidFile");
  spec.target_pid = static_cast<std::int32_t>(int_at(json, "targetPid").value_or(0));
  spec.target_start = static_cast<std::uint64_t>(int_at(json, "targetStart").value_or(0));
  spec.tty = bool_at(json, "tty").value_or(false);
  return spec;
}

}  // namespace lateen::sandbox
