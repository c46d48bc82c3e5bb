// The server is killed with -9 at a change that it makes to the cluster or to the bucket, before or
// after that is done, and another server takes over: in the end everything is as if nothing had
// happened, and nothing is left over. A run without a death counts the changes; of them a sample is
// tried, or each with LATEEN_VOYAGES_ALL_POINTS=1.
#include <algorithm>

#include "base/environment.h"
#include "base/gzip.h"
#include "base/text.h"
#include "s3/servers.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/step_gate.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

namespace s3 = objects::s3;

constexpr int kSample = 3;  // of deaths in each of backup, restore and deletion
constexpr int kClaims = 3;
constexpr int kConfigMaps = 26;

// What a backup or restore has come to, names aside: lines, for a message that can be read.
using Facts = std::vector<std::string>;

class KillPointsVoyage : public Voyage<KillPointsVoyage> {
 public:
  static Words server_flags() {
    return {"--kubeconfig", gate_->kubeconfig().string(), "--backup-sync-period", "1h"};
  }

 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    bucket_name_ = s3::make_bucket(s3::moto_url());
    store_ = std::move(*s3::open_s3_store(s3::test_config(s3::moto_url(), bucket_name_),
                                          net::aws::fixed_credentials(s3::test_credentials())));
    gate_ = StepGate::start(harbour(), s3::moto_url(), bucket_name_);
    ASSERT_NE(gate_, nullptr);
    harbour().must_kubectl({"-n", "velero", "create", "secret", "generic", "cloud",
                            "--from-literal=cloud=[default]\naws_access_key_id=id\n"
                            "aws_secret_access_key=key\n"});
    harbour().must_lateen(
        {"backup-location", "create", "s3", "--provider", "aws", "--bucket", bucket_name_,
         "--credential", "cloud=cloud", "--config",
         fmt::format("region=us-east-1,s3ForcePathStyle=true,s3Url={}", gate_->url())});
    std::string yaml = R"(
apiVersion: v1
kind: Namespace
metadata: {name: quay}
---
apiVersion: v1
kind: Secret
metadata: {name: seal, namespace: quay}
stringData: {wax: red}
)";
    for (int i = 0; i < kClaims; ++i) {
      yaml += fmt::format(
          "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: hold-{}, namespace: "
          "quay}}\nspec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: "
          "1Mi}}}}}}\n",
          i);
    }
    for (int i = 0; i < kConfigMaps; ++i) {
      yaml += fmt::format(
          "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: crate-{}, namespace: quay}}\n"
          "data: {{number: \"{}\"}}\n",
          i, i);
    }
    harbour().apply(yaml);
    wait_until("the claims are bound", [] {
      const Json claims = harbour().get({"-n", "quay", "pvc"});
      const auto items = items_of(claims);
      return std::all_of(items.begin(), items.end(), [](const Json& claim) {
        return string_at(claim, "status.phase") == "Bound";
      });
    });
    start_server();
    wait_until("the location is Available",
               [] { return phase_of("backupstoragelocations", "s3") == "Available"; });
  }

  static void TearDownTestSuite() {
    Voyage::TearDownTestSuite();
    gate_.reset();
    store_.reset();
  }

  static bool has_ended(const std::string& phase) {
    return phase == "Completed" || phase == "PartiallyFailed" || phase.starts_with("Failed");
  }

  // Without the events, of which there are more each time.
  static void ask_for_backup(const std::string& name) {
    harbour().must_lateen({"backup", "create", name, "--include-namespaces", "quay",
                           "--storage-location", "s3", "--exclude-resources",
                           "events,events.events.k8s.io"});
  }

  static void ask_for_restore(const std::string& name, const std::string& backup) {
    harbour().must_lateen({"restore", "create", name, "--from-backup", backup,
                           "--namespace-mappings", "quay:" + name});
  }

  static void ask_for_deletion(const std::string& name) {
    harbour().must_lateen({"backup", "delete", name, "--confirm"});
  }

  static bool is_deleted(const std::string& name) {
    return phase_of("backups", name).empty() &&
           harbour().names({"-n", "velero", "deletebackuprequests.velero.io"}).empty();
  }

  // Lets `ask` begin something during which the server dies at the step, and waits for its end
  // under the next server. Gives the change at which it was held, "" where it ended before.
  template <typename Ask, typename Ended>
  static std::string die_at(const Step& step, const Ask& ask, const Ended& ended) {
    gate_->shut_at(step);
    ask();
    std::string held;
    int looks = 0;
    wait_until(fmt::format("the server comes to change {}, or to the end", step.number), [&] {
      held = gate_->held();
      return !held.empty() || (++looks % 8 == 0 && ended());
    });
    if (!held.empty()) server().kill9();
    gate_->open();
    if (!held.empty()) start_server();
    wait_until("it has ended", ended);
    return held;
  }

  static Facts keys_below(const std::string& prefix, const std::string& name) {
    Facts keys;
    const auto listed = objects::list_all(*store_, prefix);
    EXPECT_TRUE(listed);
    if (!listed) return keys;
    for (const objects::ObjectInfo& object : *listed)
      keys.push_back(replace_all(object.key, name, "NAME"));
    return keys;
  }

  // Snapshots have names of their own in each backup.
  static std::string without_own_names(std::string_view path) {
    for (const std::string_view kind : {"/volumesnapshots.", "/volumesnapshotcontents."}) {
      if (path.find(kind) != std::string_view::npos)
        return std::string(cut_last(path, "/").before) + "/…";
    }
    return std::string(path);
  }

  static Facts facts_of_backup(const std::string& name) {
    Facts facts = keys_below(fmt::format("backups/{}/", name), name);
    const FilePath tarball = harbour().dir() / "contents.tar.gz";
    const auto content = store_->get(fmt::format("backups/{0}/{0}.tar.gz", name));
    EXPECT_TRUE(content) << name;
    if (content) write_text(tarball, *content);
    const Outcome listed = run_program({"tar", "tzf", tarball.string()});
    EXPECT_TRUE(listed.ok()) << listed.story();
    for (const std::string_view path : split_trimmed(listed.out, '\n'))
      facts.push_back(without_own_names(path));
    std::sort(facts.begin(), facts.end());
    const Json backup = velero("backups", name);
    facts.push_back(fmt::format("phase {}", string_at(backup, "status.phase")));
    for (const char* count :
         {"errors", "warnings", "csiVolumeSnapshotsAttempted", "csiVolumeSnapshotsCompleted",
          "progress.itemsBackedUp", "backupItemOperationsAttempted"}) {
      facts.push_back(
          fmt::format("{} {}", count, int_at(backup, fmt::format("status.{}", count)).value_or(0)));
    }
    return facts;
  }

  static Facts facts_of_restore(const std::string& name) {
    Facts facts = keys_below(fmt::format("restores/{}/", name), name);
    const std::string objects =
        as_written_text(harbour().get({"-n", name, "configmaps,secrets,persistentvolumeclaims"}));
    for (const std::string_view line : split_trimmed(replace_all(objects, name, "NAME"), '\n')) {
      // The data source is named after the restore's uid.
      if (line.find("dataSource") != std::string_view::npos)
        facts.emplace_back("a data source");
      else
        facts.emplace_back(line);
    }
    const Json restore = velero("restores", name);
    facts.push_back(fmt::format("phase {}", string_at(restore, "status.phase")));
    for (const char* count : {"errors", "warnings", "progress.itemsRestored"}) {
      facts.push_back(fmt::format("{} {}", count,
                                  int_at(restore, fmt::format("status.{}", count)).value_or(0)));
    }
    const auto packed =
        store_->get(fmt::format("restores/{0}/restore-{0}-resource-list.json.gz", name));
    const auto list = packed ? gunzip(*packed, 1_MiB) : Result<Bytes>(packed.error());
    const auto kinds = list ? parse_json(*list) : Result<Json>(list.error());
    EXPECT_TRUE(kinds) << name;
    if (!kinds) return facts;
    for (const auto& [kind, items] : kinds->as_object()) {
      const bool has_own_names =
          std::string_view(kind).find("VolumeSnapshot") != std::string_view::npos;
      for (const Json& item : items.as_array()) {
        const std::string text = replace_all(as_text(&item), name, "NAME");
        facts.push_back(fmt::format("{} {}", std::string_view(kind),
                                    has_own_names ? cut_last(text, "(").after : text));
      }
    }
    std::sort(facts.begin(), facts.end());
    return facts;
  }

  static void expect_no_leftovers(std::size_t backups) {
    wait_until("each backup has its snapshots in the storage, and nothing else has",
               [&] { return stored_snapshots(harbour()) == backups * kClaims; });
    wait_until("no snapshot object is left",
               [] { return harbour().names({"-n", "quay", "volumesnapshots"}).empty(); });
    for (const std::string& content : harbour().names({"volumesnapshotcontents"})) {
      // Those of restores keep their volumes' source, under a name made by SHA-256.
      EXPECT_EQ(content.size(), 64U) << content << " is left over";
    }
    EXPECT_EQ(s3::unfinished_uploads(s3::moto_url(), bucket_name_), 0U);
  }

  static bool tries_all() { return env("LATEEN_VOYAGES_ALL_POINTS").has_value(); }

  // Each step, or some that lie as far apart as they can.
  static std::vector<Step> steps(int count) {
    std::vector<Step> all;
    for (int i = 1; i <= count; ++i) {
      all.push_back({.number = i, .side = "before"});
      all.push_back({.number = i, .side = "after"});
    }
    if (tries_all()) return all;
    std::vector<Step> some;
    for (int i = 0; i < kSample; ++i)
      some.push_back(all[(2 * static_cast<std::size_t>(i) + 1) * all.size() / (2 * kSample)]);
    return some;
  }

  static inline std::string bucket_name_;
  static inline std::unique_ptr<objects::ObjectStore> store_;
  static inline std::unique_ptr<StepGate> gate_;
};

TEST_F(KillPointsVoyage, WhereverTheServerDiesTheEndIsTheSame) {
  // Without a death.
  gate_->open();
  ask_for_backup("golden");
  const auto backed_up = [](const std::string& name) {
    return has_ended(phase_of("backups", name));
  };
  const auto restored = [](const std::string& name) {
    return has_ended(phase_of("restores", name));
  };
  wait_until("the backup has ended", [&] { return backed_up("golden"); });
  const int backup_steps = gate_->count();
  const Facts backup = facts_of_backup("golden");
  gate_->open();
  ask_for_restore("golden-back", "golden");
  wait_until("the restore has ended", [&] { return restored("golden-back"); });
  const int restore_steps = gate_->count();
  const Facts restore = facts_of_restore("golden-back");
  ask_for_backup("other");
  wait_until("the other backup has ended", [&] { return backed_up("other"); });
  gate_->open();
  ask_for_deletion("other");
  wait_until("the other backup is gone", [&] { return is_deleted("other"); });
  const int deletion_steps = gate_->count();
  expect_no_leftovers(1);
  std::cerr << "changes: backup " << backup_steps << ", restore " << restore_steps << ", deletion "
            << deletion_steps << "\n";
  RecordProperty("steps", backup_steps + restore_steps + deletion_steps);
  ASSERT_GE(2 * (backup_steps + restore_steps + deletion_steps), 200);

  int deaths = 0;
  const auto died = [&](std::string_view what, const Step& step, const std::string& held) {
    if (held.empty()) return;
    ++deaths;
    std::cerr << what << ": died " << step.side << " change " << step.number << ": " << held
              << "\n";
  };
  for (const Step& step : steps(backup_steps)) {
    const std::string name = fmt::format("b-{}-{}", step.number, step.side);
    SCOPED_TRACE(name);
    died("backup", step,
         die_at(step, [&] { ask_for_backup(name); }, [&] { return backed_up(name); }));
    EXPECT_EQ(facts_of_backup(name), backup);
    expect_no_leftovers(2);
    // Of few backups it is sooner seen what is left over.
    ask_for_deletion(name);
    wait_until("it is gone", [&] { return is_deleted(name); });
  }
  for (const Step& step : steps(restore_steps)) {
    const std::string name = fmt::format("r-{}-{}", step.number, step.side);
    SCOPED_TRACE(name);
    died("restore", step,
         die_at(step, [&] { ask_for_restore(name, "golden"); }, [&] { return restored(name); }));
    EXPECT_EQ(facts_of_restore(name), restore);
    wait_until("the golden backup's snapshots alone are in the storage",
               [] { return stored_snapshots(harbour()) == kClaims; });
    harbour().must_kubectl({"delete", "namespace", name, "--wait=false"});
  }
  for (const Step& step : steps(deletion_steps)) {
    const std::string name = fmt::format("d-{}-{}", step.number, step.side);
    SCOPED_TRACE(name);
    ask_for_backup(name);
    wait_until("the backup has ended", [&] { return backed_up(name); });
    died("deletion", step,
         die_at(step, [&] { ask_for_deletion(name); }, [&] { return is_deleted(name); }));
    EXPECT_EQ(keys_below(fmt::format("backups/{}/", name), name), Facts());
    expect_no_leftovers(1);
  }
  EXPECT_GE(deaths, tries_all() ? 195 : 2 * kSample);
}

}  // namespace
}  // namespace lateen::voyages
