#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/server_flags.h"
#include "cli/session.h"
#include "server/server.h"

namespace lateen::cli {
namespace {

Result<Flags> all_flags(const Flags& given) {
  const std::string path = given.text("config");
  if (path.empty()) return given;
  const Bytes text = TRY(read_file(path).wrap("flag --config"));
  return with_config_file(given, text).wrap("configuration file {}", path);
}

Result<int> serve(Invocation& given) {
  return_freed_memory();
  const Flags flags = TRY(all_flags(given.flags));
  const Invocation call{.flags = flags,
                        .args = given.args,
                        .console = given.console,
                        .clock = given.clock,
                        .program = given.program,
                        .stop = given.stop};
  const server::ServerConfig config = TRY(server_config(flags, TRY(velero_namespace(call))));
  const Log log(make_fd_sink(1, config.log_level, config.log_format),
                std::make_shared<SystemClock>());
  for (const FlagWithoutEffect& one : kServerFlagsWithoutEffect) {
    if (flags.given(one.name)) {
      log.warning("This flag has no effect in this version",
                  {{"flag", one.name}, {"reason", one.why}});
    }
  }
  const Session session = TRY(open_session(call));
  SystemRng rng;
  TRY(server::run_server(config, *session.client, call.clock, rng, log, call.stop));
  return 0;
}

}  // namespace

Command server_command() {
  return {.name = "server",
          .usage = "",
          .summary = "Run the velero server",
          .flags = server_flags(),
          .run = serve,
          .max_args = 0};
}

}  // namespace lateen::cli
