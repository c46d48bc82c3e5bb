#include <csignal>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sandbox/runtime/container_entry.h"
#include "sandbox/runtime/container_exec.h"
#include "sandbox/runtime/container_init.h"
#include "sandbox/runtime/container_supervisor.h"

namespace lateen::sandbox {
namespace {

Result<int> run_spec(int spec_fd) {
  const Bytes text = TRY(read_all(spec_fd, 64_MiB));
  const Json json = TRY(parse_json(text));
  const ContainerSpec spec = TRY(parse_container_spec(json));
  if (spec.mode == ContainerMode::Exec) {
    const int code = TRY(exec_in_container(spec));
    report({{"event", "exited"}, {"exitCode", code}, {"signal", 0}});
    return code;
  }
  return supervise_container(spec);
}

}  // namespace

int container_main(int spec_fd) {
  (void)signal(SIGPIPE, SIG_IGN);
  (void)umask(022);
  for (const int fd : {spec_fd, kControlFd, kStatusFd})
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  (void)close_range(kStatusFd + 1, ~0U, 0);
  auto code = run_spec(spec_fd);
  if (code) return *code;
  report({{"event", "failed"}, {"message", code.error().message()}});
  report({{"event", "ended"}});
  return 128;
}

}  // namespace lateen::sandbox
