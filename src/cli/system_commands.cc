#include <algorithm>

#include "base/text.h"
#include "base/version.h"
#include "cli/client_config.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/server_status.h"
#include "cli/session.h"

namespace lateen::cli {
namespace {

// ---- version

// "v1.18.1" is {1, 18}; what is no version is {0, 0}.
std::pair<std::int64_t, std::int64_t> minor_of(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  const std::vector<std::string_view> parts = split(version, '.');
  if (parts.size() < 2) return {};
  return {parse_int(parts[0]).value_or(0), parse_int(parts[1]).value_or(0)};
}

// Which of the two is behind; nothing when they go together. Lateen goes with its own kind, and
// with the Velero whose interfaces it keeps to.
std::string_view outdated_part(std::string_view server_version) {
  const auto server = minor_of(server_version);
  const auto ours = minor_of(server.first == 0 ? kVersion : kVeleroVersion);
  if (server == ours) return {};
  return ours > server ? "server" : "client";
}

Result<std::string> server_version(Invocation& call) {
  const Session session = TRY(open_session(call));
  return TRY(ask_server_status(session, call.flags.duration("timeout"), call.stop))
      .status.server_version;
}

// {"client": {"version", "compatibleWith"}, "server": {"version"} or {"error"}}
void print_version_json(const Result<std::string>* server, OutputFormat format, Invocation& call) {
  JsonObject document = {
      {"client", JsonObject{{"version", kVersion}, {"compatibleWith", kVeleroVersion}}}};
  if (server != nullptr && *server) document["server"] = JsonObject{{"version", **server}};
  if (server != nullptr && !*server)
    document["server"] = JsonObject{{"error", server->error().message()}};
  call.console.out(print_document(Json(std::move(document)), format));
}

Result<int> version(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  const bool client_only = call.flags.is("client-only");
  if (format == OutputFormat::JsonText || format == OutputFormat::Yaml) {
    const auto server = client_only ? Result<std::string>("") : server_version(call);
    print_version_json(client_only ? nullptr : &server, format, call);
    return 0;
  }
  call.console.out(fmt::format("Client:\n\tVersion: {}\n\tGit commit: -\n", kVersion));
  call.console.out(fmt::format("\tCompatible with: Velero {}\n", kVeleroVersion));
  if (client_only) return 0;
  const auto server = server_version(call);
  if (!server) {
    call.console.line(fmt::format("<error getting server version: {}>", server.error().message()));
    return 0;
  }
  call.console.out(fmt::format("Server:\n\tVersion: {}\n", *server));
  if (const std::string_view outdated = outdated_part(*server); !outdated.empty()) {
    call.console.line(fmt::format(
        "# WARNING: the client version does not match the server version. Please update {}",
        outdated));
  }
  return 0;
}

// ---- client config

Result<int> get_config(Invocation& call) {
  const model::StringMap config = TRY(read_client_config());
  if (call.args.empty()) {
    for (const auto& [key, value] : config)
      call.console.line(fmt::format("{}: {}", key, value));
    return 0;
  }
  for (const std::string& key : call.args) {
    const auto at = config.find(key);
    call.console.line(fmt::format("{}: {}", key, at == config.end() ? "<NOT SET>" : at->second));
  }
  return 0;
}

Result<int> set_config(Invocation& call) {
  if (call.args.empty())
    return Error(Code::InvalidArgument, "requires at least 1 arg(s), only received 0");
  model::StringMap config = TRY(read_client_config());
  for (const std::string& pair : call.args) {
    if (std::count(pair.begin(), pair.end(), '=') != 1) {
      call.console.err(fmt::format("WARNING: invalid KEY=VALUE: {}\n", quote_go(pair)));
      continue;
    }
    const Cut parts = cut(pair, "=");
    if (parts.after.empty()) {
      config.erase(std::string(parts.before));
    } else {
      config[std::string(parts.before)] = parts.after;
    }
  }
  TRY(write_client_config(config));
  return 0;
}

}  // namespace

Command version_command() {
  return {.name = "version",
          .usage = "",
          .summary = "Print the velero version and associated image",
          .flags =
              {{.name = "client-only",
                .kind = FlagKind::Bool,
                .usage = "Only get velero client version, not server version"},
               {.name = "timeout",
                .kind = FlagKind::Duration,
                .usage =
                    "Maximum time to wait for server version to be reported. Default is 5 seconds.",
                .value = "5s"},
               result_flag()},
          .run = version};
}

Command client_commands() {
  return {.name = "client",
          .usage = "",
          .summary = "Velero client related commands",
          .children = {{.name = "config",
                        .usage = "",
                        .summary = "Get and set client configuration file values",
                        .children = {{.name = "get",
                                      .usage = "[KEY 1] [KEY 2] [...]",
                                      .summary = "Get client configuration file values",
                                      .run = get_config,
                                      .words = {"namespace", "features", "cacert", "colorized"}},
                                     {.name = "set",
                                      .usage = "KEY=VALUE [KEY=VALUE]...",
                                      .summary = "Set client configuration file values",
                                      .run = set_config}}}}};
}

}  // namespace lateen::cli
