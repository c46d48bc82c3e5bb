#include "voyages/testing/harbour.h"

#include <algorithm>
#include <csignal>

#include <gtest/gtest.h>

#include "base/environment.h"
#include "base/text.h"
#include "voyages/testing/first_failure.h"

namespace lateen::voyages {
namespace {

using std::chrono::seconds;

constexpr Duration kStopWithin = seconds(90);

// Whether the process is there and runs our binary: a pid may have become somebody else's.
bool is_ours(pid_t pid) {
  std::error_code error;
  const FilePath exe = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), error);
  return !error && exe.filename() == FilePath(lateen_binary()).filename();
}

// kubectl's own patience is half a minute.
constexpr seconds kWait{120};

bool is_timeout(const std::string& word) {
  return word.starts_with("--timeout");
}

bool has_programs() {
  bool all = true;
  for (const Words& program : {Words{"kubectl", "version", "--client"}, Words{"jq", "--version"},
                               Words{"tar", "--version"}, Words{"gzip", "--version"},
                               Words{lateen_binary(), "version", "--client-only"}}) {
    const Outcome ran = run_program(program);
    if (ran.ok()) continue;
    ADD_FAILURE() << "a voyage needs " << program.front() << " (tools/setup.sh test installs what "
                  << "comes from Debian)\n"
                  << ran.story();
    all = false;
  }
  return all;
}

}  // namespace

std::string lateen_binary() {
  return env("LATEEN_VOYAGES_BINARY").value_or(LATEEN_BINARY);
}

std::unique_ptr<Harbour> Harbour::open() {
  if (!has_programs()) return nullptr;
  auto dir = TempDir::create("lateen-voyage");
  if (!dir) {
    ADD_FAILURE() << dir.error().message();
    return nullptr;
  }
  auto harbour = std::make_unique<Harbour>(std::move(*dir));
  const Status made = make_dirs(harbour->dir() / "home");
  EXPECT_TRUE(made) << made.error().message();
  if (!harbour->set_guard()) return nullptr;
  const Outcome started = harbour->start();
  if (!started.ok()) {
    ADD_FAILURE() << started.story();
    return nullptr;
  }
  tell_of_failures_in(*harbour);
  return harbour;
}

// It reads from us until we are no more, in whatever way. A pid that was given to another program
// since is left alone.
bool Harbour::set_guard() {
  constexpr const char* kScript = R"sh(
cat >/dev/null
for pid in $(cat "$2/processes"); do
  [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$1")" ] && kill -9 "$pid"
done
"$1" sandbox stop --dir "$2/sandbox"
rm -rf "$2"
)sh";
  write_text(dir() / "processes", "");
  auto guard =
      Child::spawn({.argv = {"/bin/sh", "-c", kScript, "guard", lateen_binary(), dir().string()},
                    .in = Stdio::pipe(),
                    .new_session = true});
  if (guard) {
    guard_.emplace(std::move(*guard));
    return true;
  }
  ADD_FAILURE() << guard.error().message();
  return false;
}

void Harbour::note_process(pid_t pid) const {
  write_text(dir() / "processes", text_of(dir() / "processes") + std::to_string(pid) + "\n");
}

Harbour::~Harbour() {
  forget_failures_in(*this);
  const Outcome stopped = stop();
  if (!stopped.ok()) ADD_FAILURE() << stopped.story();
  kill9();
  if (::testing::Test::HasFailure() && env("LATEEN_KEEP_VOYAGES")) {
    const Status kept = rename_file(dir(), temp_dir() / ("kept-" + dir().filename().string()));
    if (!kept) ADD_FAILURE() << kept.error().message();
  }
}

ProgramOptions Harbour::surroundings() const {
  return {.env = {{"KUBECONFIG", kubeconfig().string()},
                  {"HOME", (dir() / "home").string()},
                  {"XDG_STATE_HOME", (dir() / "home/state").string()},
                  {"TZ", "UTC"}},
          .cwd = dir()};
}

Outcome Harbour::start() {
  return run_program({lateen_binary(), "sandbox", "start", "--dir", sandbox_dir().string()},
                     {.env = surroundings().env, .within = seconds(180)});
}

Outcome Harbour::stop() {
  return run_program({lateen_binary(), "sandbox", "stop", "--dir", sandbox_dir().string()},
                     {.env = surroundings().env, .within = kStopWithin});
}

pid_t Harbour::pid() const {
  auto text = read_file(sandbox_dir() / "sandbox.json");
  if (!text) return 0;
  const auto record = parse_json(*text);
  if (!record) return 0;
  const pid_t pid = static_cast<pid_t>(int_at(*record, "pid").value_or(0));
  return pid > 0 && is_ours(pid) ? pid : 0;
}

void Harbour::kill9() {
  const pid_t victim = pid();
  if (victim == 0) return;
  kill(victim, SIGKILL);
  wait_until("the killed sandbox is gone", [victim] { return !is_ours(victim); });
}

Outcome Harbour::kubectl(const Words& args, std::string_view input) const {
  Words argv = {"kubectl"};
  argv.insert(argv.end(), args.begin(), args.end());
  if (std::ranges::count(args, "wait") != 0 && std::ranges::none_of(args, is_timeout)) {
    argv.push_back(fmt::format("--timeout={}s", kWait.count()));
  }
  ProgramOptions options = surroundings();
  options.input = input;
  return run_program(argv, options);
}

Outcome Harbour::lateen(const Words& args, std::string_view input) const {
  Words argv = {lateen_binary()};
  argv.insert(argv.end(), args.begin(), args.end());
  ProgramOptions options = surroundings();
  options.input = input;
  return run_program(argv, options);
}

std::string Harbour::must_kubectl(const Words& args, std::string_view input) const {
  Outcome ran = kubectl(args, input);
  EXPECT_TRUE(ran.ok()) << ran.story();
  return std::move(ran.out);
}

std::string Harbour::must_lateen(const Words& args, std::string_view input) const {
  Outcome ran = lateen(args, input);
  EXPECT_TRUE(ran.ok()) << ran.story();
  return std::move(ran.out);
}

void Harbour::apply(std::string_view yaml) const {
  must_kubectl({"apply", "-f", "-"}, yaml);
}

std::optional<Json> Harbour::find(const Words& args) const {
  Words words = {"get", "-o", "json"};
  words.insert(words.end(), args.begin(), args.end());
  const Outcome ran = kubectl(words);
  if (!ran.ok()) {
    EXPECT_NE(ran.err.find("NotFound"), std::string::npos) << ran.story();
    return std::nullopt;
  }
  auto json = parse_json(ran.out);
  EXPECT_TRUE(json) << ran.story();
  return json ? std::optional(std::move(*json)) : std::nullopt;
}

Json Harbour::get(const Words& args) const {
  auto json = find(args);
  EXPECT_TRUE(json) << "there is no " << join(args, " ");
  return json.value_or(Json());
}

std::vector<std::string> Harbour::names(const Words& args) const {
  Words words = {"get", "-o", "name"};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<std::string> names;
  for (const std::string& line : split_trimmed(must_kubectl(words), '\n'))
    names.emplace_back(cut(line, "/").after);
  std::sort(names.begin(), names.end());
  return names;
}

std::unique_ptr<Server> Server::start_program(const Harbour& harbour,
                                              const ServerProgram& program) {
  const FilePath log = harbour.dir() / (program.name + ".log");
  auto file = open_for_appending(log);
  if (!file) {
    ADD_FAILURE() << file.error().message();
    return nullptr;
  }
  const std::string before = text_of(log);
  Words argv = {lateen_binary()};
  argv.insert(argv.end(), program.arguments.begin(), program.arguments.end());
  std::vector<std::string> variables;
  for (const auto& [name, value] : harbour.surroundings().env)
    variables.push_back(fmt::format("{}={}", name, value));
  auto child = Child::spawn({.argv = argv,
                             .env = with_variables(environment(), variables),
                             .cwd = harbour.dir(),
                             .out = Stdio::to(file->get()),
                             .err = Stdio::to(file->get())});
  if (!child) {
    ADD_FAILURE() << child.error().message();
    return nullptr;
  }
  harbour.note_process(child->pid());
  auto server = std::make_unique<Server>(std::move(*child), log);
  const bool started = wait_until(
      "the " + program.name + " has started",
      [&] {
        return server->log().find(program.started, before.size()) != std::string::npos ||
               !server->runs();
      },
      program.patience);
  if (started && server->runs()) return server;
  ADD_FAILURE() << "the " << program.name << " did not start:\n" << server->log();
  return nullptr;
}

std::unique_ptr<Server> Server::start(const Harbour& harbour, const Words& flags) {
  ServerProgram program{.name = "server",
                        .arguments = {"server", "--metrics-address", "127.0.0.1:0"},
                        .started = "Server started",
                        .patience = std::chrono::seconds(120)};
  program.arguments.insert(program.arguments.end(), flags.begin(), flags.end());
  return start_program(harbour, program);
}

Server::~Server() {
  if (runs()) child_.terminate(seconds(5));
}

void Server::kill9() {
  const Status killed = child_.signal(SIGKILL);
  EXPECT_TRUE(killed) << killed.error().message();
  const auto end = child_.wait(Deadline::after(seconds(60)), {});
  EXPECT_TRUE(end) << end.error().message();
}

ProcessEnd Server::stop() {
  return child_.terminate(seconds(60));
}

std::string Server::log() const {
  return text_of(log_);
}

}  // namespace lateen::voyages
