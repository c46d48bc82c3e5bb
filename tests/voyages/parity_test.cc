// The same specs over the same cluster as the real Velero 1.18.1 ran them (tests/voyages/parity):
// what is in the backups, what comes back, how it ends. Where Lateen differs, the case says why.
#include "voyages/testing/parity.h"

#include <algorithm>
#include <optional>

#include "base/gzip.h"
#include "base/text.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

class ParityVoyage : public Voyage<ParityVoyage> {
 public:
  static Words server_flags() {
    return {"--features",         "EnableCSI", "--terminating-resource-timeout",  "20s",
            "--resource-timeout", "20s",       "--item-operation-sync-frequency", "1s"};
  }

 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    ASSERT_NO_FATAL_FAILURE(build_cluster());
    start_server();
  }

  static void build_cluster() {
    const std::string folder = LATEEN_SOURCE_DIR "/tests/voyages/parity/";
    harbour().must_kubectl({"apply", "-f", folder + "kinds.yaml"});
    harbour().must_kubectl(
        {"wait", "--for=condition=Established", "--timeout=120s", "crd", "--all"});
    harbour().must_kubectl(
        {"apply", "-f", folder + "cluster.yaml", "-f", folder + "policies.yaml"});
    harbour().must_kubectl({"-n", "bank-audit", "delete", "configmap", "going", "--wait=false"});
    // Not applied, so without the annotation of what was.
    harbour().must_kubectl({"-n", "shop", "create", "configmap", "child", "--from-literal=a=b"});
    harbour().must_kubectl({"-n", "shop", "label", "configmap", "child", "app=web"});
    wait_until("the pods run and the claims are bound", [] {
      const Json all = harbour().get({"-A", "pods,persistentvolumeclaims"});
      const std::vector<Json> objects = items_of(all);
      return std::all_of(objects.begin(), objects.end(), [](const Json& object) {
        const std::string_view phase = string_at(object, "status.phase");
        return phase == "Running" || phase == "Succeeded" || phase == "Bound" ||
               string_at(object, "metadata.name") == "waiting";
      });
    });
  }

  static Json object_of(const char* kind, const Json& test_case) {
    return JsonObject{
        {"apiVersion", "velero.io/v1"},
        {"kind", kind},
        {"metadata", JsonObject{{"name", string_at(test_case, "name")}, {"namespace", "velero"}}},
        {"spec", *find(test_case, "spec")}};
  }

  static bool is_over(const Json& object) {
    const std::string_view phase = string_at(object, "status.phase");
    return phase == "Completed" || phase == "PartiallyFailed" || phase == "Failed" ||
           phase == "FailedValidation";
  }

  static void create_all(JsonArray objects) {
    const Json list =
        JsonObject{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(objects)}};
    harbour().must_kubectl({"create", "-f", "-"}, write_json(list));
  }

  static void create_backups(const Json& cases) {
    JsonArray backups;
    for (const Json& one : cases.get_array())
      backups.push_back(object_of("Backup", one));
    const std::size_t before =
        items_of(harbour().get({"-n", "velero", "backups.velero.io"})).size();
    create_all(std::move(backups));
    wait_until(
        "the backups have ended",
        [&] {
          const std::vector<Json> all =
              items_of(harbour().get({"-n", "velero", "backups.velero.io"}));
          return all.size() == before + cases.get_array().size() &&
                 std::all_of(all.begin(), all.end(), is_over);
        },
        std::chrono::seconds(300));
  }

  // Numbers and texts of a status, as the fixtures hold them; what is nothing is left out.
  static Json told(const Json& status) {
    JsonObject out;
    for (const char* field : {"phase", "warnings", "errors", "validationErrors", "hookStatus",
                              "csiVolumeSnapshotsAttempted", "csiVolumeSnapshotsCompleted"}) {
      const Json* value = find(status, field);
      if (value == nullptr || *value == Json(0)) continue;
      if (value->is_object() && value->get_object().empty()) continue;
      out[field] = *value;
    }
    return out;
  }
};

Json archived_items(const FilePath& tarball, const ParityCluster& cluster, const Json& volumes) {
  const Outcome listed = run_program({"tar", "tzf", tarball.string()});
  EXPECT_TRUE(listed.ok()) << listed.story();
  JsonArray items;
  for (const std::string& entry : split_trimmed(listed.out, '\n')) {
    if (std::string item = cluster.item(entry, volumes); !item.empty())
      items.emplace_back(std::move(item));
  }
  return items;
}

// How volumes were saved: those that were.
Json saved_volumes(const FilePath& document) {
  JsonArray saved;
  const auto json = parse_json(gunzip(text_of(document), 16_MiB).value_or("[]"));
  if (!json || !json->is_array()) return saved;
  for (const Json& volume : json->get_array()) {
    if (string_at(volume, "backupMethod").empty()) continue;
    saved.emplace_back(fmt::format("{}/{} {} {}", string_at(volume, "pvcNamespace"),
                                   string_at(volume, "pvcName"), string_at(volume, "backupMethod"),
                                   string_at(volume, "result")));
  }
  std::sort(saved.begin(), saved.end(),
            [](const Json& a, const Json& b) { return as_text(&a) < as_text(&b); });
  return saved;
}

void sort_texts(Json& array) {
  std::vector<std::string> texts;
  for (const Json& one : array.as_array())
    texts.emplace_back(as_text(&one));
  std::sort(texts.begin(), texts.end());
  JsonArray sorted;
  for (std::string& text : texts)
    sorted.emplace_back(std::move(text));
  array = std::move(sorted);
}

TEST_F(ParityVoyage, BackupsHoldWhatVelerosHold) {
  const Json cases = parity_data("backups.yaml");
  const Json expected = parity_data("expected-backups.json");
  ASSERT_GE(cases.get_array().size(), 60U);
  const ParityCluster cluster;
  const Json volumes = harbour().get({"persistentvolumes"});
  create_backups(cases);
  for (const Json& one : cases.get_array()) {
    const std::string name(string_at(one, "name"));
    SCOPED_TRACE(name);
    Json found = told(*find(velero("backups", name), "status"));
    const FilePath tarball = backup_dir(name) / (name + ".tar.gz");
    if (path_exists(tarball)) {
      Json items = archived_items(tarball, cluster, volumes);
      if (bool_at(one, "ordered").value_or(false)) {
        // The order of those that the spec orders, which are the first of their kind.
        JsonArray first;
        for (const Json& item : items.get_array()) {
          if (as_text(&item).starts_with("configmaps/") && first.size() < 2) first.push_back(item);
        }
        items = std::move(first);
      } else {
        sort_texts(items);
      }
      found.as_object()["items"] = std::move(items);
      const Json saved = saved_volumes(backup_dir(name) / (name + "-volumeinfo.json.gz"));
      if (!saved.get_array().empty()) found.as_object()["volumes"] = saved;
    }
    const Json* wanted = find(expected, JsonKey{name});
    ASSERT_NE(wanted, nullptr);
    const auto differences =
        Comparison{.expected = *wanted, .found = found, .test_case = one}.differences();
    EXPECT_TRUE(differences.empty()) << join(differences, "\n");
  }
}

// Reads what was restored.
class Restored {
 public:
  explicit Restored(const Harbour& harbour) {
    auto cluster = kube::load_cluster_config({.path = harbour.kubeconfig().string()});
    if (cluster) client_ = kube::Client::open(*cluster).value_or(nullptr);
    EXPECT_NE(client_, nullptr);
    look_around();
  }

  // "apps/v1/Deployment/shop/web"; null when it is not there.
  Json object(std::string_view key) {
    std::vector<std::string_view> parts = split(key, '/');
    const std::string name(parts.back());
    parts.pop_back();
    const std::string ns(parts.back());
    parts.pop_back();
    const std::string kind(parts.back());
    parts.pop_back();
    const std::string api_version = fmt::format("{}", fmt::join(parts, "/"));
    const kube::ResourceType* type = discovery_.find_kind(api_version, kind);
    if (type == nullptr) return Json();
    return client_->get({.gvr = type->gvr, .ns = ns, .name = name}).value_or(Json());
  }

 private:
  void look_around() { discovery_ = kube::discover(*client_, {}).value_or(kube::Discovery()); }

  std::unique_ptr<kube::Client> client_;
  kube::Discovery discovery_;
};

class ParityVoyageRestores : public ParityVoyage {
 protected:
  static void run_before(const Json& test_case) {
    const JsonArray* commands = array_at(test_case, "before");
    if (commands == nullptr) return;
    for (const Json& command : *commands) {
      Words words;
      for (const Json& word : command.get_array())
        words.emplace_back(as_text(&word));
      harbour().must_kubectl(words);
    }
  }

  static Json run_restore(const Json& test_case) {
    const std::string name(string_at(test_case, "name"));
    Json restore = object_of("Restore", test_case);
    ensure(restore, "spec.backupName") = string_at(test_case, "from");
    create_all({restore});
    Json after;
    wait_until("restore " + name + " has ended", [&] {
      after = velero("restores", name);
      return is_over(after);
    });
    return after;
  }

  static Json restored_items(const std::string& name) {
    const FilePath list =
        bucket() / "restores" / name / fmt::format("restore-{}-resource-list.json.gz", name);
    JsonArray items;
    if (!path_exists(list)) return items;
    const auto json = parse_json(gunzip(text_of(list), 16_MiB).value_or("{}"));
    for (const auto& [kind, entries] : json->get_object()) {
      for (const Json& entry : entries.get_array()) {
        // A kind of ours, whose definition Velero's cluster had not.
        if (as_text(&entry).starts_with("restoredrills.lateen.io")) continue;
        items.emplace_back(restored_item(kind, as_text(&entry)));
      }
    }
    Json sorted = std::move(items);
    sort_texts(sorted);
    return sorted;
  }

  static void compare_objects(const Json& expected, const Json& test_case, Restored& restored) {
    const JsonObject* objects = object_at(expected, "objects");
    if (objects == nullptr) return;
    for (const auto& [key, wanted] : *objects) {
      const std::string name(key);
      if (find(find(test_case, "differs.objects"), JsonKey{name}) != nullptr) continue;
      std::vector<std::string> differences;
      note_differences(comparable_object(wanted), comparable_object(restored.object(name)), "",
                       differences);
      EXPECT_TRUE(differences.empty()) << name << "\n" << join(differences, "\n");
    }
  }
};

TEST_F(ParityVoyageRestores, RestoresBringBackWhatVelerosBring) {
  const Json cases = parity_data("restores.yaml");
  const Json expected = parity_data("expected-restores.json");
  create_backups(parity_data("sources.yaml"));
  Restored restored(harbour());
  for (const Json& one : cases.get_array()) {
    const std::string name(string_at(one, "name"));
    SCOPED_TRACE(name);
    run_before(one);
    Json found = told(*find(run_restore(one), "status"));
    const Json items = restored_items(name);
    if (!items.get_array().empty()) found.as_object()["items"] = items;
    const Json* wanted = find(expected, JsonKey{name});
    ASSERT_NE(wanted, nullptr);
    const auto differences =
        Comparison{.expected = *wanted, .found = found, .test_case = one}.differences();
    EXPECT_TRUE(differences.empty()) << join(differences, "\n");
    compare_objects(*wanted, one, restored);
  }
}

}  // namespace
}  // namespace lateen::voyages
