// The test program doubles as `lateen __sandbox-container`: the runtime under test starts
// /proc/self/exe, which is us.
#include "sandbox/runtime/container_entry.h"

#include <string_view>

#include <unistd.h>

namespace {

__attribute__((constructor)) void become_container(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == lateen::sandbox::kContainerArgument) {
    _exit(lateen::sandbox::container_main(lateen::sandbox::kSpecFd));
  }
}

}  // namespace
