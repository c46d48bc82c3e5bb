#include "sandbox/api/api_server.h"

#include <gtest/gtest.h>

#include "base/temp.h"
#include "kube/object.h"

namespace lateen::sandbox {
namespace {

const GroupVersionResource kNamespaces{.group = "", .version = "v1", .resource = "namespaces"};
const GroupVersionResource kConfigMaps{.group = "", .version = "v1", .resource = "configmaps"};
const GroupVersionResource kServices{.group = "", .version = "v1", .resource = "services"};
const GroupVersionResource kDeployments{
    .group = "apps", .version = "v1", .resource = "deployments"};
const GroupVersionResource kCrds{
    .group = "apiextensions.k8s.io", .version = "v1", .resource = "customresourcedefinitions"};
const GroupVersionResource kBooks{
    .group = "library.example.com", .version = "v1", .resource = "books"};

Json from(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? std::move(*parsed) : Json();
}

Json config_map(std::string_view name, std::string_view data = R"({"a":"1"})") {
  return from(fmt::format(R"({{"metadata":{{"name":"{}"}},"data":{}}})", name, data));
}

constexpr std::string_view kBookDefinition =
    R"({"metadata":{"name":"books.library.example.com"},"spec":{
  "group":"library.example.com","scope":"Namespaced",
  "names":{"plural":"books","singular":"book","kind":"Book","listKind":"BookList"},
  "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
    "schema":{"openAPIV3Schema":{"type":"object","properties":{
      "spec":{"type":"object","required":["title"],"properties":{
        "title":{"type":"string","minLength":1},
        "pages":{"type":"integer","minimum":1,"default":100},
        "isbn":{"type":"string","pattern":"^\\d{3}-\\d+$"}}},
      "status":{"type":"object","properties":{"phase":{"type":"string"}}}}}}}]}})";

class ApiServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.path = (dir_.path() / "state.db").string();
    auto opened = Store::open(options);
    ASSERT_TRUE(opened) << opened.error().describe();
    store_ = std::move(*opened);
    api_ = std::make_unique<ApiServer>(*store_, clock_, rng_, Log());
    must(api_->create(kNamespaces, "", from(R"({"metadata":{"name":"shop"}})"), {}));
  }

  static Json must(ApiResult<Json> result) {
    EXPECT_TRUE(result) << result.error().describe();
    return result ? std::move(*result) : Json(JsonObject{});
  }

  static std::string refusal(const ApiResult<Json>& result) {
    return result ? "accepted"
                  : fmt::format("{} {}: {}", result.error().http_code(), result.error().reason(),
                                result.error().message());
  }

  static WriteOptions as(std::string_view manager) {
    WriteOptions options;
    options.field_manager = manager;
    return options;
  }

  void install_books() { must(api_->create(kCrds, "", from(kBookDefinition), {})); }

  TempDir dir_ = std::move(*TempDir::create());
  SystemClock clock_;
  SystemRng rng_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ApiServer> api_;
};

// The messages are those of a real API server (docs/reference: exchanges recorded from
// Kubernetes 1.36.2).

TEST_F(ApiServerTest, ACreatedObjectHasWhatTheServerGivesIt) {
  const Json made = must(api_->create(kConfigMaps, "shop", config_map("c1"), as("tester")));
  EXPECT_EQ(string_at(made, "kind"), "ConfigMap");
  EXPECT_EQ(string_at(made, "metadata.namespace"), "shop");
  EXPECT_EQ(kube::uid_of(made).size(), 36U);
  EXPECT_EQ(kube::resource_version_of(made), api_->current_resource_version());
  EXPECT_EQ(write_json(*find(made, "metadata.managedFields")).find("tester") != std::string::npos,
            true);
  EXPECT_EQ(must(api_->get(kConfigMaps, "shop", "c1")), made);
}

TEST_F(ApiServerTest, GenerateNameMakesNames) {
  const Json one =
      must(api_->create(kConfigMaps, "shop", from(R"({"metadata":{"generateName":"c-"}})"), {}));
  EXPECT_TRUE(kube::name_of(one).starts_with("c-"));
  EXPECT_EQ(kube::name_of(one).size(), 7U);
}

TEST_F(ApiServerTest, RefusalsAreWordedAsInKubernetes) {
  must(api_->create(kConfigMaps, "shop", config_map("c1"), {}));
  EXPECT_EQ(refusal(api_->create(kConfigMaps, "shop", config_map("c1"), {})),
            R"(409 AlreadyExists: configmaps "c1" already exists)");
  EXPECT_EQ(refusal(api_->get(kConfigMaps, "shop", "nope")),
            R"(404 NotFound: configmaps "nope" not found)");
  EXPECT_EQ(refusal(api_->create(kConfigMaps, "nonexist", config_map("c1"), {})),
            R"(404 NotFound: namespaces "nonexist" not found)");
  Json stale = config_map("c1");
  ensure(stale, "metadata.namespace") = "shop";
  ensure(stale, "metadata.resourceVersion") = "1";
  EXPECT_EQ(
      refusal(api_->update(kConfigMaps, stale, {})),
      R"(409 Conflict: Operation cannot be fulfilled on configmaps "c1": the object has been modified; please apply )"
      R"(your changes to the latest version and try again)");
  WriteOptions strict;
  strict.field_validation = FieldValidation::Strict;
  EXPECT_EQ(
      refusal(api_->create(kConfigMaps, "shop", from(R"({"metadata":{"name":"bad"},"datum":{}})"),
                           strict)),
      R"(400 BadRequest: ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown )"
      R"(field "datum")");
}

TEST_F(ApiServerTest, AStatusErrorHasItsDetails) {
  const auto missing = api_->get(kDeployments, "shop", "nope");
  ASSERT_FALSE(missing);
  EXPECT_EQ(write_json_unsorted(missing.error().to_status()),
            R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
            R"("message":"deployments.apps \"nope\" not found","reason":"NotFound",)"
            R"("details":{"name":"nope","group":"apps","kind":"deployments"},"code":404})");
}

TEST_F(ApiServerTest, AnUpdateThatChangesNothingIsNoWrite) {
  const Json made = must(api_->create(kConfigMaps, "shop", config_map("c1"), as("a")));
  const Json same = must(api_->update(kConfigMaps, made, as("a")));
  EXPECT_EQ(kube::resource_version_of(same), kube::resource_version_of(made));
}

TEST_F(ApiServerTest, ADryRunLeavesNothing) {
  WriteOptions dry;
  dry.dry_run = true;
  EXPECT_EQ(kube::name_of(must(api_->create(kConfigMaps, "shop", config_map("c1"), dry))), "c1");
  EXPECT_FALSE(api_->get(kConfigMaps, "shop", "c1"));
}

TEST_F(ApiServerTest, AFinalizerKeepsADeletedObjectUntilItGoes) {
  Json object = config_map("c1");
  kube::add_finalizer(object, "example.com/wait");
  must(api_->create(kConfigMaps, "shop", object, {}));
  const auto held = api_->remove(kConfigMaps, "shop", "c1", {});
  ASSERT_TRUE(held);
  EXPECT_FALSE(held->gone);
  EXPECT_TRUE(kube::is_being_deleted(held->object));
  must(api_->modify(kConfigMaps, "shop", "c1", [](Json& c) -> Result<bool> {
    return kube::remove_finalizer(c, "example.com/wait");
  }));
  EXPECT_FALSE(api_->get(kConfigMaps, "shop", "c1"));
}

TEST_F(ApiServerTest, ADeleteWithAnotherUidIsAConflict) {
  const Json made = must(api_->create(kConfigMaps, "shop", config_map("c1"), {}));
  DeleteOptions options;
  options.preconditions.uid = "wrong";
  const auto refused = api_->remove(kConfigMaps, "shop", "c1", options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().http_code(), 409);
  EXPECT_NE(refused.error().message().find(fmt::format(
                "the UID in the precondition (wrong) does not match the UID in record ({})",
                kube::uid_of(made))),
            std::string::npos);
}

TEST_F(ApiServerTest, ATerminatingNamespaceTakesNothingNew) {
  const auto deleted = api_->remove(kNamespaces, "", "shop", {});
  ASSERT_TRUE(deleted);
  EXPECT_FALSE(deleted->gone) << "spec.finalizers holds it";
  EXPECT_EQ(string_at(deleted->object, "status.phase"), "Terminating");
  EXPECT_EQ(
      refusal(api_->create(kConfigMaps, "shop", config_map("c1"), {})),
      R"(403 Forbidden: configmaps "c1" is forbidden: unable to create new content in namespace shop because it is )"
      R"(being terminated)");
  must(api_->modify(kNamespaces, "", "shop",
                    [](Json& ns) -> Result<bool> { return erase(ns, "spec.finalizers"); },
                    {.subresource = "finalize"}));
  EXPECT_FALSE(api_->get(kNamespaces, "", "shop"));
}

TEST_F(ApiServerTest, ServicesGetAddressesAndPortsOfTheirOwn) {
  const Json one = must(api_->create(
      kServices, "shop",
      from(
          R"({"metadata":{"name":"a"},"spec":{"type":"NodePort","ports":[{"port":80}],"selector":{"app":"a"}}})"),
      {}));
  EXPECT_TRUE(string_at(one, "spec.clusterIP").starts_with("10."));
  const auto port = int_at(array_at(one, "spec.ports")->at(0), "nodePort");
  ASSERT_TRUE(port);
  EXPECT_GE(*port, 30000);
  Json again = one;
  ensure(again, "metadata") = JsonObject{{"name", "b"}};
  EXPECT_NE(
      refusal(api_->create(kServices, "shop", again, {})).find("provided IP is already allocated"),
      std::string::npos);
  Json without = one;
  erase(without, "spec.clusterIP");
  erase(without, "spec.clusterIPs");
  EXPECT_EQ(string_at(must(api_->update(kServices, without, {})), "spec.clusterIP"),
            string_at(one, "spec.clusterIP"))
      << "an update that does not name it keeps it";
}

// A restore into a second namespace kept the node port of the first: by managedFields it looked
// chosen.
TEST_F(ApiServerTest, AnAllocatedNodePortIsNobodysField) {
  const Json made = must(api_->create(
      kServices, "shop",
      from(R"({"metadata":{"name":"web"},"spec":{"type":"NodePort","ports":[{"port":80}]}})"),
      as("tester")));
  EXPECT_GT(int_at(array_at(made, "spec.ports")->front(), "nodePort").value_or(0), 0);
  const std::string owned = write_json(*find(made, "metadata.managedFields"));
  EXPECT_NE(owned.find("f:ports"), std::string::npos);
  EXPECT_EQ(owned.find("f:nodePort"), std::string::npos) << owned;
  EXPECT_EQ(owned.find("f:clusterIP"), std::string::npos) << owned;
}

TEST_F(ApiServerTest, ACustomResourceIsServedWhenItsDefinitionIsThere) {
  EXPECT_EQ(refusal(api_->get(kBooks, "shop", "b1")),
            "404 NotFound: the server could not find the requested resource");
  install_books();
  const Json made = must(api_->create(
      kBooks, "shop",
      from(
          R"({"metadata":{"name":"b1"},"spec":{"title":"Moby","color":"blue"},"status":{"phase":"x"}})"),
      {}));
  EXPECT_EQ(int_at(made, "spec.pages"), 100) << "defaulted";
  EXPECT_EQ(find(made, "spec.color"), nullptr) << "pruned";
  EXPECT_EQ(find(made, "status"), nullptr) << "status has its own subresource";
  EXPECT_EQ(kube::generation_of(made), 1);
  EXPECT_EQ(
      refusal(api_->create(kBooks, "shop",
                           from(R"({"metadata":{"name":"b2"},"spec":{"title":"","isbn":"x"}})"),
                           {})),
      R"(422 Invalid: Book.library.example.com "b2" is invalid: [spec.title: Invalid value: "": spec.title in body should be )"
      R"(at least 1 chars long, spec.isbn: Invalid value: "x": spec.isbn in body should match '^\d{3}-\d+$'])");
  EXPECT_EQ(
      refusal(api_->create(kBooks, "shop", from(R"({"metadata":{"name":"b2"},"spec":{}})"), {})),
      R"(422 Invalid: Book.library.example.com "b2" is invalid: spec.title: Required value)");
}

TEST_F(ApiServerTest, StatusAndSpecOfACustomResourceAreWrittenApart) {
  install_books();
  Json book = must(api_->create(kBooks, "shop",
                                from(R"({"metadata":{"name":"b1"},"spec":{"title":"Moby"}})"), {}));
  ensure(book, "status.phase") = "read";
  ensure(book, "spec.title") = "Dick";
  Json after = must(api_->update_status(kBooks, book, "reader"));
  EXPECT_EQ(string_at(after, "status.phase"), "read");
  EXPECT_EQ(string_at(after, "spec.title"), "Moby");
  EXPECT_EQ(kube::generation_of(after), 1);
  ensure(after, "spec.title") = "Dick";
  ensure(after, "status.phase") = "lost";
  after = must(api_->update(kBooks, after, {}));
  EXPECT_EQ(string_at(after, "status.phase"), "read");
  EXPECT_EQ(kube::generation_of(after), 2);
}

TEST_F(ApiServerTest, DeletingADefinitionDeletesItsObjects) {
  install_books();
  must(api_->create(kBooks, "shop", from(R"({"metadata":{"name":"b1"},"spec":{"title":"Moby"}})"),
                    {}));
  auto watch = api_->watch(kCrds, {.resource_version = api_->current_resource_version()});
  ASSERT_TRUE(watch);
  ASSERT_TRUE(api_->remove(kCrds, "", "books.library.example.com", {}));
  const Deadline deadline = Deadline::after(std::chrono::seconds(60));
  bool deleted = false;
  while (!deleted && !deadline.expired()) {
    const auto event = (*watch)->next(deadline, {});
    ASSERT_TRUE(event) << event.error().describe();
    deleted = *event && (*event)->type == WatchEventType::Deleted;
  }
  EXPECT_TRUE(deleted);
  EXPECT_EQ(store_->count("library.example.com/books"), 0U);
}

TEST_F(ApiServerTest, PatchesOfAllFormsWork) {
  must(api_->create(kConfigMaps, "shop", config_map("c1"), {}));
  const auto patched = [&](PatchType type, std::string_view patch) {
    return write_json(
        *find(must(api_->patch(kConfigMaps, "shop", "c1", type, from(patch), {})), "data"));
  };
  EXPECT_EQ(patched(PatchType::Merge, R"({"data":{"b":"2"}})"), R"({"a":"1","b":"2"})");
  EXPECT_EQ(patched(PatchType::Json, R"([{"op":"remove","path":"/data/a"}])"), R"({"b":"2"})");
  EXPECT_EQ(patched(PatchType::StrategicMerge, R"({"data":{"b":null,"c":"3"}})"), R"({"c":"3"})");
  EXPECT_EQ(refusal(api_->patch(kConfigMaps, "shop", "c1", PatchType::Json,
                                from(R"([{"op":"test","path":"/data/c","value":"4"}])"), {})),
            "422 Invalid: the server rejected our request due to an error in our request");
}

TEST_F(ApiServerTest, ServerSideApplyOwnsAndConflicts) {
  const auto apply = [&](std::string_view manager, std::string_view data, bool force = false) {
    WriteOptions options = as(manager);
    options.force = force;
    const Json config = from(fmt::format(
        R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c"}},"data":{}}})", data));
    return api_->patch(kConfigMaps, "shop", "c", PatchType::Apply, config, options);
  };
  must(apply("m1", R"({"x":"1","y":"1"})"));
  EXPECT_EQ(refusal(apply("m2", R"({"x":"2"})")),
            R"(409 Conflict: Apply failed with 1 conflict: conflict with "m1": .data.x)");
  Json now = must(apply("m2", R"({"x":"2"})", true));
  EXPECT_EQ(write_json(*find(now, "data")), R"({"x":"2","y":"1"})");
  now = must(apply("m1", R"({"z":"1"})"));
  EXPECT_EQ(write_json(*find(now, "data")), R"({"x":"2","z":"1"})")
      << "y was m1's alone and is no longer applied";
  const auto refused = apply("m1", R"({"x":"3"})");
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().details().causes.size(), 1U);
  EXPECT_EQ(refused.error().details().causes[0].field, ".data.x");
  EXPECT_EQ(refused.error().details().causes[0].reason, "FieldManagerConflict");
}

TEST_F(ApiServerTest, ListsAreSelectedAndPaged) {
  for (int i = 0; i < 5; ++i) {
    Json object = config_map(fmt::format("c{}", i));
    kube::set_label(object, "parity", i % 2 == 0 ? "even" : "odd");
    must(api_->create(kConfigMaps, "shop", object, {}));
  }
  const auto even = api_->list(kConfigMaps, {.ns = "shop", .label_selector = "parity=even"});
  ASSERT_TRUE(even);
  EXPECT_EQ(even->items.size(), 3U);
  const auto named = api_->list(kConfigMaps, {.field_selector = "metadata.name=c3"});
  ASSERT_TRUE(named);
  EXPECT_EQ(named->items.size(), 1U);
  const auto first = api_->list(kConfigMaps, {.ns = "shop", .limit = 2});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->remaining_item_count, 3);
  const auto second =
      api_->list(kConfigMaps, {.ns = "shop", .limit = 9, .continue_token = first->continue_token});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->items.size(), 3U);
  EXPECT_EQ(second->resource_version, first->resource_version);
  EXPECT_EQ(api_->list(kConfigMaps, {.field_selector = "spec.x=1"}).error().message(),
            "field label not supported: spec.x");
  store_->compact();
  must(api_->create(kConfigMaps, "shop", config_map("late"), {}));
  store_->compact();
  const auto expired =
      api_->list(kConfigMaps, {.ns = "shop", .continue_token = first->continue_token});
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().http_code(), 410);
  const std::string fresh(string_at(expired.error().to_status(), "metadata.continue"));
  const auto rest = api_->list(kConfigMaps, {.ns = "shop", .continue_token = fresh});
  ASSERT_TRUE(rest) << "an inconsistent rest is better than none";
  EXPECT_EQ(rest->items.size(), 4U);
}

TEST_F(ApiServerTest, AWatchTellsWhatEntersAndLeavesItsSelector) {
  Json object = must(api_->create(kConfigMaps, "shop", config_map("c1"), {}));
  auto watch = api_->watch(kConfigMaps,
                           {.ns = "shop",
                            .label_selector = "hot=yes",
                            .resource_version = std::string(kube::resource_version_of(object))});
  ASSERT_TRUE(watch);
  kube::set_label(object, "hot", "yes");
  object = must(api_->update(kConfigMaps, object, {}));
  kube::remove_label(object, "hot");
  object = must(api_->update(kConfigMaps, object, {}));
  const Deadline deadline = Deadline::after(std::chrono::seconds(60));
  const auto entered = (*watch)->next(deadline, {});
  const auto left = (*watch)->next(deadline, {});
  ASSERT_TRUE(entered && *entered && left && *left);
  EXPECT_EQ((*entered)->type, WatchEventType::Added);
  EXPECT_EQ((*left)->type, WatchEventType::Deleted);
  EXPECT_EQ(kube::resource_version_of((*left)->object), kube::resource_version_of(object));
}

TEST_F(ApiServerTest, AWatchFromAForgottenVersionIsGone) {
  must(api_->create(kConfigMaps, "shop", config_map("c1"), {}));
  store_->compact();
  const auto watch = api_->watch(kConfigMaps, {.resource_version = "1"});
  ASSERT_FALSE(watch);
  EXPECT_EQ(watch.error().reason(), "Expired");
  EXPECT_EQ(watch.error().message(),
            fmt::format("too old resource version: 1 ({})", api_->current_resource_version()));
}

}  // namespace
}  // namespace lateen::sandbox
