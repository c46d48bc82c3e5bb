#include "cli/common_flags.h"

#include <memory>

#include "base/clock.h"

namespace lateen::cli {

std::vector<FlagSpec> log_flags() {
  return {{.name = "log-level",
           .usage = "The level at which to log. Valid values are trace, debug, info, warning, "
                    "error, fatal, panic.",
           .value = "info"},
          {.name = "log-format",
           .usage = "The format for log output. Valid values are text, json.",
           .value = "text"}};
}

Result<LogLevel> log_level_by_flag(const Flags& flags) {
  return parse_log_level(flags.text("log-level")).wrap("flag --log-level");
}

Result<LogFormat> log_format_by_flag(const Flags& flags) {
  return parse_log_format(flags.text("log-format")).wrap("flag --log-format");
}

Result<Log> log_by_flags(const Flags& flags, int fd) {
  const LogLevel level = TRY(log_level_by_flag(flags));
  const LogFormat format = TRY(log_format_by_flag(flags));
  return Log(make_fd_sink(fd, level, format), std::make_shared<SystemClock>());
}

Result<ByteCount> rate_by_flag(const Flags& flags, std::string_view name) {
  constexpr std::int64_t kMostKiB = std::int64_t{1} << 40;
  const std::int64_t rate = flags.integer(name);
  if (rate < 0 || rate > kMostKiB)
    return Error(Code::InvalidArgument, "--{} {} is not a rate in KiB/s", name, rate);
  return static_cast<ByteCount>(rate) * 1_KiB;
}

}  // namespace lateen::cli
