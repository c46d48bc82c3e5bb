#include <gtest/gtest.h>

#include "base/file.h"
#include "base/time.h"
#include "sandbox/schema/schema.h"
#include "sandbox/schema/tables.h"

namespace lateen::sandbox::schema {
namespace {

const TimePoint kNow = parse_rfc3339("2026-11-22T10:41:42Z").value();

std::string row_of(const Json& object, bool wide = false) {
  const ApiVersion at = split_api_version(string_at(object, "apiVersion"));
  const std::string_view kind = string_at(object, "kind");
  const std::vector<Column> columns = table_columns(at.group, at.version, kind);
  const JsonArray cells = table_cells(at.group, at.version, kind, object, kNow);
  EXPECT_EQ(columns.size(), cells.size());
  std::string row;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (columns[i].priority > 0 && !wide) continue;
    if (!row.empty()) row += " | ";
    row += cells[i].is_string() ? std::string(cells[i].get_string()) : write_json(cells[i]);
  }
  return row;
}

std::string row_of_text(std::string_view text) {
  return row_of(parse_json(text).value());
}

// The live objects of a real cluster, by kind and name.
Json real(std::string_view kind, std::string_view name) {
  const Json list =
      parse_json(
          read_file(std::string(LATEEN_TESTDATA) + "/velero-bucket/expected.json", 16_MiB).value())
          .value();
  for (const Json& item : *array_at(list, "items")) {
    if (string_at(item, "kind") == kind && string_at(item, "metadata.name") == name) return item;
  }
  return nullptr;
}

TEST(SchemaTables, HaveAsManyCellsAsColumnsForEveryKind) {
  const Json empty = parse_json(R"({"metadata":{"name":"x"}})").value();
  for (const GroupVersion& served : group_versions()) {
    for (const Resource* resource : served.resources) {
      EXPECT_EQ(table_columns(resource->group, resource->version, resource->kind).size(),
                table_cells(resource->group, resource->version, resource->kind, empty, kNow).size())
          << resource->resource;
    }
  }
}

TEST(SchemaTables, PrintTheBookstoreAsKubectlDoes) {
  EXPECT_EQ(row_of(real("Pod", "loner")), "loner | 1/1 | Running | 0 | 5m");
  EXPECT_EQ(row_of(real("Pod", "loner"), true),
            "loner | 1/1 | Running | 0 | 5m | 10.244.1.61 | localhost | <none> | <none>");
  EXPECT_EQ(row_of(real("Deployment", "web")), "web | 2/2 | 2 | 2 | 5m");
  EXPECT_EQ(row_of(real("StatefulSet", "payments-db")), "payments-db | 1/1 | 5m");
  EXPECT_EQ(row_of(real("Service", "web")),
            "web | NodePort | 10.104.209.54 | <none> | 80:32481/TCP | 5m");
  EXPECT_EQ(row_of(real("Service", "upstream")),
            "upstream | ExternalName | <none> | upstream.example.invalid | <none> | 5m");
  EXPECT_EQ(row_of(real("Job", "import-books")), "import-books | Complete | 1/1 | 3s | 5m");
  EXPECT_EQ(row_of(real("CronJob", "nightly-report")),
            "nightly-report | 0 3 * * * | <none> | True | 0 | <none> | 5m");
  EXPECT_EQ(row_of(real("PersistentVolumeClaim", "catalog-data")),
            "catalog-data | Bound | pv-catalog | 64Mi | RWO | local-bench | <unset> | 5m");
  EXPECT_EQ(row_of(real("PersistentVolume", "pv-catalog")),
            "pv-catalog | 64Mi | RWO | Retain | Bound | bookstore/catalog-data | local-bench | "
            "<unset> |  | 5m");
  EXPECT_EQ(row_of(real("Secret", "basic")), "basic | kubernetes.io/basic-auth | 2 | 5m");
  EXPECT_EQ(row_of(real("ConfigMap", "payments-config")), "payments-config | 4 | 5m");
  EXPECT_EQ(row_of(real("RoleBinding", "config-reader")),
            "config-reader | Role/config-reader | 5m");
  EXPECT_EQ(row_of(real("Ingress", "web")), "web | bench | books.example.invalid |  | 80 | 5m");
  EXPECT_EQ(row_of(real("NetworkPolicy", "payments-only-from-web")),
            "payments-only-from-web | app=payments | 5m");
  EXPECT_EQ(row_of(real("PodDisruptionBudget", "web")), "web | 1 | N/A | 1 | 5m");
  EXPECT_EQ(row_of(real("Namespace", "bookstore")), "bookstore | Active | 5m");
  EXPECT_EQ(row_of(real("EndpointSlice", "web-z7pk4")),
            "web-z7pk4 | IPv4 | 8080 | 10.244.1.60,10.244.1.62 | 5m");
  EXPECT_EQ(row_of(real("HorizontalPodAutoscaler", "web")),
            "web | Deployment/web | cpu: <unknown>/80% | 2 | 4 | 2 | 5m");
  EXPECT_EQ(row_of(real("CustomResourceDefinition", "books.library.example.com")),
            "books.library.example.com | 2026-11-22T10:22:36Z");
}

struct PodCase {
  std::string name;
  std::string status;
  std::string row;
};

class SchemaPodLine : public ::testing::TestWithParam<PodCase> {};

TEST_P(SchemaPodLine, SaysWhatThePodIsDoing) {
  EXPECT_EQ(
      row_of_text(
          R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","creationTimestamp":"2026-11-22T10:36:42Z")" +
          GetParam().status + "}"),
      GetParam().row);
}

INSTANTIATE_TEST_SUITE_P(
    ,
    SchemaPodLine,
    ::testing::ValuesIn(std::vector<PodCase>{
        {"Pending", R"(},"spec":{"containers":[{}]},"status":{"phase":"Pending"})",
         "p | 0/1 | Pending | 0 | 5m"},
        {"Crashing",
         R"(},"spec":{"containers":[{}]},"status":{"phase":"Running","containerStatuses":[{"restartCount":3,"state":{
         "waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"finishedAt":"2026-11-22T10:41:12Z"}}}]})",
         "p | 0/1 | CrashLoopBackOff | 3 (30s ago) | 5m"},
        {"Completed",
         R"(},"spec":{"containers":[{}]},"status":{"phase":"Succeeded","containerStatuses":[{"state":{
         "terminated":{"exitCode":0,"reason":"Completed"}}}]})",
         "p | 0/1 | Completed | 0 | 5m"},
        {"EndedWithoutReason",
         R"(},"spec":{"containers":[{}]},"status":{"phase":"Failed","containerStatuses":[{"state":{
         "terminated":{"exitCode":3}}}]})",
         "p | 0/1 | ExitCode:3 | 0 | 5m"},
        {"Initializing",
         R"(},"spec":{"containers":[{}],"initContainers":[{"name":"a"},{"name":"b"}]},"status":{"phase":"Pending",
         "initContainerStatuses":[{"name":"a","state":{"terminated":{"exitCode":0}}},{"name":"b","state":{"running":{}}}]})",
         "p | 0/1 | Init:1/2 | 0 | 5m"},
        {"Terminating",
         R"(,"deletionTimestamp":"2026-11-22T10:41:40Z"},"spec":{"containers":[{}]},"status":{"phase":"Running",
         "containerStatuses":[{"ready":true,"state":{"running":{}}}]})",
         "p | 1/1 | Terminating | 0 | 5m"}}),
    [](const auto& each) { return each.param.name; });

TEST(SchemaTables, FollowACustomResourcesColumns) {
  const Json book =
      parse_json(R"({"metadata":{"name":"moby-dick","creationTimestamp":"2026-11-22T10:36:42Z",
    "annotations":{"a.b/c":"d"}},"spec":{"title":"Moby-Dick","copies":4,"tags":["sea","whales"]},
    "status":{"conditions":[{"type":"Old","status":"False"},{"type":"Ready","status":"True"}]}})")
          .value();
  const Json columns = parse_json(R"([{"name":"Title","type":"string","jsonPath":".spec.title"},
    {"name":"Copies","type":"integer","jsonPath":".spec.copies"},
    {"name":"Tags","type":"string","jsonPath":".spec.tags[*]"},
    {"name":"First","type":"string","jsonPath":".spec.tags[0]"},
    {"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status","priority":1},
    {"name":"Note","type":"string","jsonPath":".metadata.annotations.a\\.b/c"},
    {"name":"None","type":"integer","jsonPath":".spec.nothing"},
    {"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}])")
                           .value();
  EXPECT_EQ(write_json(custom_cells(&columns, book, kNow)),
            R"(["moby-dick","Moby-Dick",4,"sea whales","sea","True","d",null,"5m"])");
  EXPECT_EQ(custom_columns(&columns)[5].priority, 1);
  EXPECT_EQ(write_json(custom_cells(nullptr, book, kNow)), R"(["moby-dick","5m"])");
}

TEST(SchemaTables, PrintSnapshotsAsTheirDefinitionsSay) {
  EXPECT_EQ(
      row_of_text(
          R"({"apiVersion":"snapshot.storage.k8s.io/v1","kind":"VolumeSnapshot","metadata":{"name":"s",
    "creationTimestamp":"2026-11-22T10:36:42Z"},"spec":{"source":{"persistentVolumeClaimName":"c"},
    "volumeSnapshotClassName":"k"},"status":{"readyToUse":true,"restoreSize":"1Gi"}})"),
      "s | true | c | null | 1Gi | k | null | null | 5m");
}

}  // namespace
}  // namespace lateen::sandbox::schema
