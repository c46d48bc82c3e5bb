// A sandbox of the built binary in a folder of its own, and the programs that people use on it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/json.h"
#include "base/process.h"
#include "base/temp.h"
#include "voyages/testing/program.h"

namespace lateen::voyages {

// The program under test: the one that was just built, or $LATEEN_VOYAGES_BINARY.
std::string lateen_binary();

// A running sandbox. Its processes and its folder are gone after the destructor, whatever happened
// in between. Not thread-safe.
class Harbour {
 public:
  // Null, and a failure of the test, when the sandbox does not come up or a program is missing.
  static std::unique_ptr<Harbour> open();

  explicit Harbour(TempDir dir) : dir_(std::move(dir)) {}  // for open() alone

  ~Harbour();
  Harbour(const Harbour&) = delete;
  Harbour& operator=(const Harbour&) = delete;

  // A folder for the test's own files, the bucket among them.
  const FilePath& dir() const { return dir_.path(); }

  FilePath sandbox_dir() const { return dir() / "sandbox"; }

  FilePath kubeconfig() const { return sandbox_dir() / "kubeconfig"; }

  FilePath sandbox_log() const { return sandbox_dir() / "sandbox.log"; }

  Outcome start();
  Outcome stop();
  // The process of the sandbox; 0 when none runs.
  pid_t pid() const;
  // As a power cut would end it.
  void kill9();

  Outcome kubectl(const Words& args, std::string_view input = {}) const;
  Outcome lateen(const Words& args, std::string_view input = {}) const;

  // These fail the test when the program does; what it printed comes back.
  std::string must_kubectl(const Words& args, std::string_view input = {}) const;
  std::string must_lateen(const Words& args, std::string_view input = {}) const;

  void apply(std::string_view yaml) const;

  // `kubectl get … -o json`; null and a failure of the test when it does not work.
  Json get(const Words& args) const;
  // The same, nothing when there is no such object.
  std::optional<Json> find(const Words& args) const;
  // The names that `kubectl get … -o name` prints, without their kind, sorted.
  std::vector<std::string> names(const Words& args) const;

  // The variables that every program of this harbour runs with.
  ProgramOptions surroundings() const;

  // A process of ours that must not outlive the test.
  void note_process(pid_t pid) const;

 private:
  bool set_guard();

  TempDir dir_;
  // Ends the sandbox and the servers when the test is killed: by ctest, for taking too long.
  std::optional<Child> guard_;
};

// A command of lateen's that serves: what it is called in messages and by its log, its arguments,
// and what it says when it has started, and how long that may take.
struct ServerProgram {
  std::string name = {};
  Words arguments = {};
  std::string started = {};
  Duration patience = {};
};

// One that runs over a harbour, its log in a file. The process is gone after the destructor.
class Server {
 public:
  // Returns once it says that it has started; null and a failure of the test when it does not.
  static std::unique_ptr<Server> start_program(const Harbour& harbour,
                                               const ServerProgram& program);
  // `lateen server`.
  static std::unique_ptr<Server> start(const Harbour& harbour, const Words& flags = {});

  Server(Child child, FilePath log)
      : child_(std::move(child)), log_(std::move(log)) {}  // for start() alone

  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void kill9();
  // Asks it to end, as Kubernetes does.
  ProcessEnd stop();

  std::string log() const;

  bool runs() { return !child_.poll().has_value(); }

 private:
  Child child_;
  FilePath log_;
};

}  // namespace lateen::voyages
