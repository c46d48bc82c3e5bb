// Where passwords come from.
#include <termios.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/repo/settings.h"

namespace lateen::cli::repo {
namespace {

using std::chrono::minutes;

// Words as a shell would part them: blanks, 'single' and "double" quotes, \ before a character.
Result<std::vector<std::string>> split_command(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      inside = true;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
      inside = true;
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (quote != 0) return Error(Code::InvalidArgument, "a quote in the password command stays open");
  if (inside) words.push_back(std::move(word));
  if (words.empty()) return Error(Code::InvalidArgument, "the password command is empty");
  return words;
}

Result<Secret> from_command(const std::string& command, const std::stop_token& stop) {
  const ProcessSpec spec{.argv = TRY(split_command(command))};
  const ProcessResult ran =
      TRY(run_process(spec, Deadline::after(minutes(10)), stop).wrap("the password command"));
  if (!ran.ok()) {
    return Error(Code::InvalidArgument, "the password command failed: {}", ran.describe_end());
  }
  return Secret(std::string(trim(ran.out)));
}

Result<Secret> from_file(const std::string& path) {
  const Secret content(TRY(read_file(path, 1_MiB).wrap("reading the password file {}", path)));
  std::string_view text = content.reveal();
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return Secret(std::string(trim(text)));
}

// Not shown while it is typed.
class HiddenInput {
 public:
  HiddenInput() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }

  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

  ~HiddenInput() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_ = {};
  bool changed_ = false;
};

Result<Secret> ask(Console& console, std::string_view prompt) {
  std::optional<std::string> line;
  {
    const HiddenInput hidden;
    console.err(prompt);
    line = console.read_line();
  }
  if (::isatty(STDIN_FILENO) == 1) console.err("\n");
  if (!line) {
    return Error(Code::InvalidArgument, "no password was given")
        .with_hint("Use --password-file or RESTIC_PASSWORD where nobody can be asked.");
  }
  return Secret(std::move(*line));
}

Result<Secret> ask_twice(Console& console, std::string_view what) {
  Secret first = TRY(ask(console, fmt::format("enter {}: ", what)));
  if (::isatty(STDIN_FILENO) == 1) {
    const Secret second = TRY(ask(console, fmt::format("enter {} again: ", what)));
    if (!(first == second)) return Error(Code::InvalidArgument, "the passwords do not match");
  }
  return first;
}

// Flags first, then the environment, as each is set. Nothing if there is none.
Result<std::optional<Secret>> given_password(const Invocation& call) {
  using Found = std::optional<Secret>;
  const Flags& flags = call.flags;
  if (flags.given("password-file") && flags.given("password-command")) {
    return Error(Code::InvalidArgument,
                 "--password-file and --password-command exclude each other");
  }
  if (flags.given("password-command")) {
    return Found(TRY(from_command(flags.text("password-command"), call.stop)));
  }
  if (flags.given("password-file")) return Found(TRY(from_file(flags.text("password-file"))));
  if (const auto command = env("RESTIC_PASSWORD_COMMAND"); command && !command->empty()) {
    return Found(TRY(from_command(*command, call.stop)));
  }
  if (const auto file = env("RESTIC_PASSWORD_FILE"); file && !file->empty()) {
    return Found(TRY(from_file(*file)));
  }
  for (const char* name : {"RESTIC_PASSWORD", "KOPIA_PASSWORD"}) {
    if (auto password = env(name); password && !password->empty()) {
      return Found(Secret(std::move(*password)));
    }
  }
  return Found();
}

// The other repository's: nothing if it is not given.
Result<std::optional<Secret>> given_from_password(const Invocation& call) {
  using Found = std::optional<Secret>;
  const Flags& flags = call.flags;
  if (flags.is("from-insecure-no-password")) return Found(Secret());
  if (flags.given("from-password-file") && flags.given("from-password-command")) {
    return Error(Code::InvalidArgument,
                 "--from-password-file and --from-password-command exclude each other");
  }
  if (flags.given("from-password-command")) {
    return Found(TRY(from_command(flags.text("from-password-command"), call.stop)));
  }
  if (flags.given("from-password-file")) {
    return Found(TRY(from_file(flags.text("from-password-file"))));
  }
  if (const auto command = env("RESTIC_FROM_PASSWORD_COMMAND"); command && !command->empty()) {
    return Found(TRY(from_command(*command, call.stop)));
  }
  if (const auto file = env("RESTIC_FROM_PASSWORD_FILE"); file && !file->empty()) {
    return Found(TRY(from_file(*file)));
  }
  if (auto password = env("RESTIC_FROM_PASSWORD"); password && !password->empty()) {
    return Found(Secret(std::move(*password)));
  }
  return Found();
}

Status not_empty(const Secret& password) {
  if (!password.empty()) return {};
  return Error(Code::InvalidArgument, "an empty password is not allowed")
      .with_hint("--insecure-no-password says that it is meant.");
}

}  // namespace

Result<Secret> read_password(const Invocation& call, PasswordUse use) {
  if (use == PasswordUse::New) {
    if (call.flags.is("new-insecure-no-password")) return Secret();
    Secret fresh = call.flags.given("new-password-file")
                       ? TRY(from_file(call.flags.text("new-password-file")))
                       : TRY(ask_twice(call.console, "new password"));
    TRY(not_empty(fresh));
    return fresh;
  }
  if (use == PasswordUse::From) {
    std::optional<Secret> from = TRY(given_from_password(call));
    if (from) return std::move(*from);
  }
  std::optional<Secret> given = TRY(given_password(call));
  if (call.flags.is("insecure-no-password")) {
    if (!given) return Secret();
    return Error(Code::InvalidArgument, "--insecure-no-password, but a password is given as well");
  }
  if (!given) {
    given = use == PasswordUse::Create ? TRY(ask_twice(call.console, "password for new repository"))
                                       : TRY(ask(call.console, "enter password for repository: "));
  }
  TRY(not_empty(*given));
  return std::move(*given);
}

}  // namespace lateen::cli::repo
