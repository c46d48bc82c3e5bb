#include "server/repository_keys.h"

#include <latch>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "model/backup_repository.h"
#include "server/repository_controller.h"
#include "server/repository_rekey.h"
#include "server/testing/velero_cluster.h"
#include "server/volume_repositories.h"

namespace lateen::server {
namespace {

using model::BackupRepository;
using ::testing::HasSubstr;

// Of agents and servers that come at once, one makes the key and all have it.
TEST(RepositoryKeysAtOnce, AllHaveTheOneThatIsMadeFirst) {
  samples::VeleroCluster cluster;
  model::BackupStorageLocation location = cluster.get<model::BackupStorageLocation>("default");
  location.metadata = {.name = "second"};
  location.spec.is_default = false;
  location = cluster.create(location);
  constexpr std::size_t kCreators = 6;
  std::vector<std::string> seen(kCreators);
  {
    std::latch all(kCreators);
    std::vector<std::jthread> creators;
    for (std::string& mine : seen) {
      creators.emplace_back([&] {
        all.arrive_and_wait();
        if (!ensure_repository_key(cluster.context, {})) return;
        const auto keys = ensure_location_key(cluster.context, location, {});
        if (keys) mine = fmt::format("{} {}", keys->shared.reveal(), keys->of("second").reveal());
      });
    }
  }
  const RepositoryKeys keys = read_repository_keys(cluster.context, {}).value();
  EXPECT_NE(keys.of("second").reveal(), keys.shared.reveal());
  EXPECT_THAT(seen, ::testing::Each(
                        fmt::format("{} {}", keys.shared.reveal(), keys.of("second").reveal())));
}

class RepositoryKeysTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(ensure_repository_key(cluster_.context, {})); }

  RepositoryKeys keys() { return read_repository_keys(cluster_.context, {}).value(); }

  // A second location beside the default one.
  void add_location(const std::string& name) {
    model::BackupStorageLocation location = cluster_.get<model::BackupStorageLocation>("default");
    location.metadata = {.name = name};
    location.spec.is_default = false;
    location.spec.object_storage->prefix = name;
    cluster_.create(location);
  }

  void add_repository(const std::string& location, const std::string& type = "kopia") {
    BackupRepository made;
    made.metadata.name = "shop-" + location + "-" + type;
    made.spec.volume_namespace = "shop";
    made.spec.backup_storage_location = location;
    made.spec.repository_type = type;
    made.spec.maintenance_frequency = std::chrono::hours(1);
    cluster_.create(made);
    make_repository_controller(cluster_.context)->reconcile({});
  }

  // As a real Velero's installation has it.
  void become_velero() {
    ASSERT_TRUE(cluster_.context.client().patch(
        {.gvr = {"", "v1", "secrets"}, .ns = "velero", .name = "velero-repo-credentials"},
        kube::PatchType::Merge,
        parse_json(
            R"({"metadata": {"annotations": null}, "data": {"repository-password": "c3RhdGljLXBhc3N3MHJk"}})")
            .value()));
  }

  void ask_for_rekey(const std::string& name, const std::string& request) {
    ASSERT_TRUE(cluster_.context.cluster.modify<BackupRepository>(name, [&](auto& now) {
      now.metadata.annotations.insert_or_assign(std::string(kRekeyRequest), request);
    }));
    make_rekey_controller(cluster_.context)->reconcile({});
  }

  std::string note(const std::string& name, std::string_view key) {
    return std::string(annotation_of(cluster_.get<BackupRepository>(name), key));
  }

  // The repository of "shop" by exactly this key, or why not.
  Result<std::unique_ptr<volumes::VolumeRepository>> open_by(const Secret& key,
                                                             const std::string& type = "kopia") {
    return volumes::VolumeRepository::open(
        [this]() -> Result<std::unique_ptr<objects::ObjectStore>> {
          const auto location = cluster_.get<model::BackupStorageLocation>("default");
          return std::move(open_bucket(cluster_.context, location, {}).value().store);
        },
        {.type = type, .ns = "shop", .key = key}, {});
  }

  samples::VeleroCluster cluster_;
};

const Secret& well_known() {
  static const Secret key{std::string(volumes::kWellKnownRepositoryKey)};
  return key;
}

TEST_F(RepositoryKeysTest, ANewClusterGetsAKeyThatNobodyKnowsAndKeepsIt) {
  const Secret key = keys().shared;
  EXPECT_GE(key.reveal().size(), 40U);
  EXPECT_FALSE(keys().is_well_known("default"));
  ASSERT_TRUE(ensure_repository_key(cluster_.context, {}));
  EXPECT_EQ(keys().shared, key);
}

TEST_F(RepositoryKeysTest, EachLocationOfANewClusterHasAKeyOfItsOwnAndTheDefaultOneVelerosPlace) {
  add_location("vault");
  add_repository("default");
  add_repository("vault");
  const RepositoryKeys now = keys();
  EXPECT_EQ(now.of("default"), now.shared);
  EXPECT_FALSE(now.of("vault") == now.shared);
  EXPECT_EQ(note("shop-default-kopia", kKeyInUse), "shared");
  EXPECT_EQ(note("shop-vault-kopia", kKeyInUse), "location");
}

TEST_F(RepositoryKeysTest, WhereVeleroWasEveryNewRepositoryHasTheKeyThatItReads) {
  become_velero();
  add_location("vault");
  add_repository("vault");
  EXPECT_TRUE(keys().own.empty());
  EXPECT_EQ(note("shop-vault-kopia", kKeyInUse), "well-known");
}

TEST_F(RepositoryKeysTest, ARepositoryThatIsFoundOpensByWhicheverKeyTheSecretHas) {
  add_location("vault");
  add_repository("vault");
  // Elsewhere the location has another name.
  model::BackupStorageLocation location = cluster_.get<model::BackupStorageLocation>("vault");
  location.metadata = {.name = "other"};
  cluster_.create(location);
  const auto opened = open_volume_repository(cluster_.context,
                                             {.location = "other", .volume_namespace = "shop"}, {});
  ASSERT_TRUE(opened) << opened.error().describe();
  EXPECT_EQ((*opened)->key(), keys().of("vault"));
}

TEST_F(RepositoryKeysTest, ARekeyLeadsAwayFromTheWellKnownKeyAndKeepsVelerosPlace) {
  for (const char* type : {"kopia", "restic"}) {
    become_velero();
    add_repository("default", type);
    const std::string name = fmt::format("shop-default-{}", type);
    EXPECT_EQ(note(name, kKeyInUse), "well-known");
    ASSERT_TRUE(replace_shared_key(cluster_.context, {}));
    EXPECT_TRUE(keys().replaced.empty()) << "the constant is no secret";
    ask_for_rekey(name, "first");
    EXPECT_EQ(note(name, kRekeyDone), "first") << note(name, kRekeyProblem);
    EXPECT_EQ(note(name, kKeyInUse), "shared");
    ASSERT_TRUE(open_by(keys().shared, type));
    EXPECT_FALSE(open_by(well_known(), type)) << type;
  }
}

TEST_F(RepositoryKeysTest, ALocationsOwnKeyIsTakenBackToTheOneThatVeleroReads) {
  add_repository("default");
  const Secret shared = keys().shared;
  ASSERT_TRUE(replace_location_key(cluster_.context, "default", {}));
  ask_for_rekey("shop-default-kopia", "own");
  EXPECT_EQ(note("shop-default-kopia", kKeyInUse), "location");
  EXPECT_FALSE(open_by(shared));
  ASSERT_TRUE(drop_location_key(cluster_.context, "default", {}));
  EXPECT_EQ(keys().replaced.size(), 1U) << "copies of the bucket may be under it";
  ask_for_rekey("shop-default-kopia", "back");
  EXPECT_EQ(note("shop-default-kopia", kKeyInUse), "shared");
  EXPECT_TRUE(open_by(shared));
}

TEST_F(RepositoryKeysTest, AReadOnlyLocationKeepsItsKeyAndSaysWhy) {
  add_repository("default");
  ASSERT_TRUE(cluster_.context.cluster.modify<model::BackupStorageLocation>(
      "default", [](auto& now) { now.spec.access_mode = model::AccessMode::ReadOnly; }));
  ask_for_rekey("shop-default-kopia", "first");
  EXPECT_EQ(note("shop-default-kopia", kRekeyDone), "");
  EXPECT_THAT(note("shop-default-kopia", kRekeyProblem), HasSubstr("default is ReadOnly"));
}

TEST_F(RepositoryKeysTest, AKeyThatChangedIsKeptElsewhereNoMore) {
  const kube::ObjectPath path{
      .gvr = {"", "v1", "secrets"}, .ns = "velero", .name = "velero-repo-credentials"};
  ASSERT_TRUE(cluster_.context.client().patch(
      path, kube::PatchType::Merge,
      parse_json(R"({"metadata": {"annotations": {"lateen.io/escrowed-at": "2026-11-22"}}})")
          .value()));
  ASSERT_TRUE(replace_shared_key(cluster_.context, {}));
  const Json secret = cluster_.context.client().get(path).value();
  EXPECT_EQ(kube::annotation_of(secret, kEscrowed), "");
  EXPECT_EQ(kube::annotation_of(secret, kKeyPerLocation), "true");
}

}  // namespace
}  // namespace lateen::server
