// Volumes without snapshots: their files go through the node agent into a repository in the bucket,
// and come back into new volumes.
#include "base/environment.h"
#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::seconds;

// `lateen node-agent server` for the sandbox's node. The process is gone after the destructor.
class NodeAgent {
 public:
  static std::unique_ptr<NodeAgent> start(const Harbour& harbour) {
    const FilePath log = harbour.dir() / "node-agent.log";
    auto file = open_for_writing(log);
    if (!file) {
      ADD_FAILURE() << file.error().message();
      return nullptr;
    }
    std::vector<std::string> variables;
    for (const auto& [name, value] : harbour.surroundings().env)
      variables.push_back(fmt::format("{}={}", name, value));
    auto child =
        Child::spawn({.argv = {lateen_binary(), "node-agent", "server", "--node-name", "sandbox",
                               "--host-pods", (harbour.sandbox_dir() / "pods").string()},
                      .env = with_variables(environment(), variables),
                      .cwd = harbour.dir(),
                      .out = Stdio::to(file->get()),
                      .err = Stdio::to(file->get())});
    if (!child) {
      ADD_FAILURE() << child.error().message();
      return nullptr;
    }
    harbour.note_process(child->pid());
    auto agent = std::make_unique<NodeAgent>(std::move(*child), log);
    // One that was killed holds its Lease for a while.
    wait_until(
        "the node agent has started",
        [&] { return agent->log().find("Node agent started") != std::string::npos; }, seconds(40));
    return agent;
  }

  NodeAgent(Child child, FilePath log) : child_(std::move(child)), log_(std::move(log)) {}

  ~NodeAgent() { child_.terminate(seconds(5)); }

  NodeAgent(const NodeAgent&) = delete;
  NodeAgent& operator=(const NodeAgent&) = delete;

  std::string log() const { return text_of(log_); }

 private:
  Child child_;
  FilePath log_;
};

class VolumeDataVoyage : public Voyage<VolumeDataVoyage> {
 protected:
  static void TearDownTestSuite() {
    agent_.reset();
    Voyage::TearDownTestSuite();
  }

  void SetUp() override {
    Voyage::SetUp();
    if (agent_ == nullptr) agent_ = NodeAgent::start(harbour());
    ASSERT_NE(agent_, nullptr);
  }

  void TearDown() override {
    Voyage::TearDown();
    if (HasFailure() && agent_) std::cerr << "-- the node agent's log\n" << agent_->log() << "\n";
  }

  static std::string sh(const std::string& ns, const std::string& pod, const std::string& script) {
    return harbour().must_kubectl({"-n", ns, "exec", pod, "--", "/bin/sh", "-c", script});
  }

  static void wait_ready(const std::string& ns, const std::string& pod) {
    wait_until("the pod is there",
               [&] { return harbour().find({"-n", ns, "pod", pod}).has_value(); });
    harbour().must_kubectl(
        {"-n", ns, "wait", "--for=condition=Ready", "pod/" + pod, "--timeout=60s"});
  }

  static void delete_namespace(const std::string& ns) {
    harbour().must_kubectl({"delete", "namespace", ns, "--wait", "--timeout=60s"});
  }

  // The PodVolumeBackups of a backup as they lie in the cluster.
  static std::vector<Json> copies_of(const std::string& backup) {
    return items_of(harbour().get(
        {"-n", "velero", "podvolumebackups.velero.io", "-l", "velero.io/backup-name=" + backup}));
  }

  static inline std::unique_ptr<NodeAgent> agent_;
};

constexpr std::string_view kPostgres = "30-postgres.yaml";

// The bookstore with its database on a class without snapshots, chosen for file-system backup.
void open_the_shop(const Harbour& harbour) {
  const FilePath shop = harbour.dir() / "shop";
  ASSERT_TRUE(make_dirs(shop));
  const FilePath example = LATEEN_SOURCE_DIR "/examples/bookstore";
  for (const DirEntry& entry : *list_dir(example)) {
    if (!entry.name.ends_with(".yaml")) continue;
    std::string text = text_of(example / entry.name);
    if (entry.name == kPostgres) {
      text = replace_all(text, "        accessModes: [ReadWriteOnce]\n",
                         "        accessModes: [ReadWriteOnce]\n"
                         "        storageClassName: sandbox-efs\n");
      text = replace_all(text, "      labels: {app: postgres}\n    spec:\n      priorityClassName",
                         "      labels: {app: postgres}\n"
                         "      annotations: {backup.velero.io/backup-volumes: data}\n"
                         "    spec:\n      priorityClassName");
    }
    write_text(shop / entry.name, text);
  }
  harbour.must_kubectl({"apply", "-f", (shop / "00-cluster.yaml").string()});
  harbour.must_kubectl(
      {"wait", "--for=condition=Established", "crd", "tenantclaims.platform.bookstore.example"});
  harbour.must_kubectl({"apply", "-f", shop.string()});
}

std::string sql(const Harbour& harbour, const std::string& statement) {
  return harbour.must_kubectl({"-n", "bookstore", "exec", "postgres-0", "--", "psql", "-h",
                               "/run/postgresql", "-U", "bookstore", "-d", "bookstore", "-qAtc",
                               statement});
}

TEST_F(VolumeDataVoyage, ADatabaseUnderLoadComesBackFromAVolumeWithoutSnapshots) {
  open_the_shop(harbour());
  ASSERT_FALSE(HasFailure());
  wait_ready("bookstore", "postgres-0");
  const std::string books =
      "SELECT count(*) || ' ' || md5(string_agg(b::text, '' ORDER BY id)) FROM books b";
  const std::string rows = sql(harbour(), books);
  sql(harbour(), "CREATE TABLE ledger (id serial PRIMARY KEY, note text)");
  // One row after the other, until the pod is no more.
  auto load = Child::spawn(
      {.argv =
           {"kubectl", "--kubeconfig", harbour().kubeconfig().string(), "-n", "bookstore", "exec",
            "postgres-0", "--", "/bin/sh", "-c",
            "while true; do echo \"INSERT INTO ledger(note) VALUES (repeat('x', 500));\"; done | "
            "psql -h /run/postgresql -U bookstore -d bookstore -qAt"},
       .env = environment(),
       .out = Stdio::null(),
       .err = Stdio::null()});
  ASSERT_TRUE(load);
  wait_until("rows are written",
             [] { return sql(harbour(), "SELECT count(*) FROM ledger") != "0\n"; });
  harbour().must_kubectl({"apply", "-f", LATEEN_SOURCE_DIR "/examples/bookstore/backup"});
  back_up("files", {"--from-schedule", "bookstore-daily"});
  load->terminate(seconds(5));
  ASSERT_FALSE(HasFailure());
  const std::vector<Json> copies = copies_of("files");
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_EQ(string_at(copies.front(), "status.phase"), "Completed") << write_json(copies.front());
  EXPECT_EQ(string_at(copies.front(), "spec.volume"), "data");
  EXPECT_EQ(find(copies.front(), "metadata.annotations")->as_object().at("velero.io/pvc-name"),
            "data-postgres-0");
  const std::string described = harbour().must_lateen({"backup", "describe", "files", "--details"});
  EXPECT_NE(described.find("Pod Volume Backups - kopia"), std::string::npos) << described;

  delete_namespace("bookstore");
  restore("files-back", {"--from-backup", "files"});
  wait_ready("bookstore", "postgres-0");
  EXPECT_EQ(sql(harbour(), books), rows);
  // What was committed when the copy was made is there without a gap.
  EXPECT_EQ(sql(harbour(), "SELECT count(*) > 0 AND count(*) = max(id) FROM ledger"), "t\n");
}

}  // namespace
}  // namespace lateen::voyages
