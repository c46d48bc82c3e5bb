// What looking at objects brings to light: references out of the cluster, volumes of pods, needs,
// who else writes them, and platforms' namespaces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assurance/local_volumes.h"
#include "assurance/made_anew.h"
#include "assurance/object_needs.h"
#include "assurance/object_witness.h"
#include "assurance/outside_references.h"
#include "assurance/platform_namespaces.h"
#include "assurance/volume_regions.h"
#include "base/encoding.h"
#include "base/yaml.h"

namespace lateen::assurance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json object(std::string_view yaml) {
  auto parsed = parse_yaml(yaml);
  EXPECT_TRUE(parsed) << yaml;
  return parsed ? *parsed : Json();
}

// "RDS database: db.…" of each.
std::vector<std::string> targets(std::string_view group_resource, const Json& json) {
  EXPECT_TRUE(may_refer_outside(group_resource, write_json(json)));
  std::vector<std::string> all;
  for (const OutsideReference& one : outside_references(group_resource, json))
    all.push_back(one.what + ": " + one.target);
  return all;
}

TEST(OutsideReferences, OfADatabaseInASecretShowItsHostAndNothingElse) {
  const std::string url = "postgres://shop:hunter2@db.c9akz.eu-west-1.rds.amazonaws.com:5432/shop";
  const Json secret = JsonObject{{"metadata", JsonObject{{"namespace", "shop"}, {"name", "db"}}},
                                 {"data", JsonObject{{"url", base64_encode(url)}}}};
  EXPECT_THAT(targets("secrets", secret),
              ElementsAre("RDS database: db.c9akz.eu-west-1.rds.amazonaws.com"));
  const auto found = outside_references("secrets", secret);
  EXPECT_EQ(found.front().object, "secrets shop/db");
  EXPECT_EQ(found.front().field, "data.url");
  EXPECT_THAT(found.front().covered_by, HasSubstr("AWS Backup"));
}

TEST(OutsideReferences, AreSeenInASecretWhereverTheTextBegins) {
  for (const char* before : {"", "a", "ab", "abc", "abcd"}) {
    const Json secret = JsonObject{
        {"data",
         JsonObject{{"x", base64_encode(std::string(before) + "arn:aws:sqs:eu-west-1:1:q")}}}};
    EXPECT_TRUE(may_refer_outside("secrets", write_json(secret))) << before;
  }
  const Json plain = JsonObject{{"data", JsonObject{{"password", base64_encode("hunter2")}}}};
  EXPECT_FALSE(may_refer_outside("secrets", write_json(plain)));
}

TEST(OutsideReferences, AreFoundInConfigMapsWorkloadsServicesAndAccounts) {
  EXPECT_THAT(
      targets("configmaps", object("{metadata: {name: c, namespace: shop}, data: {ASSETS_BUCKET: "
                                   "shop-assets, dump: 's3://shop-dumps/daily', img: "
                                   "'https://pics.s3.eu-west-1.amazonaws.com/a.png'}}")),
      ElementsAre("S3 bucket: pics", "S3 bucket: shop-assets", "S3 bucket: shop-dumps"));
  EXPECT_THAT(targets("deployments.apps",
                      object("{metadata: {name: w, namespace: shop}, spec: {template: {spec: "
                             "{containers: [{name: web, env: [{name: QUEUE, value: "
                             "'arn:aws:dynamodb:eu-west-1:1:table/orders'}]}]}}}}")),
              ElementsAre("DynamoDB table: arn:aws:dynamodb:eu-west-1:1:table/orders"));
  EXPECT_THAT(targets("services", object("{metadata: {name: s}, spec: {type: ExternalName, "
                                         "externalName: legacy.example.com}}")),
              ElementsAre("external name: legacy.example.com"));
  EXPECT_THAT(targets("serviceaccounts",
                      object("{metadata: {name: a, annotations: {eks.amazonaws.com/role-arn: "
                             "'arn:aws:iam::123456789012:role/shop'}}}")),
              ElementsAre("IAM role: arn:aws:iam::123456789012:role/shop"));
}

TEST(OutsideReferences, AreWhatACloudControllersResourcesStandFor) {
  EXPECT_THAT(
      targets("dbinstances.rds.services.k8s.aws",
              object("{kind: DBInstance, metadata: {name: db}, status: {ackResourceMetadata: "
                     "{arn: 'arn:aws:rds:eu-west-1:1:db:db'}}}")),
      ElementsAre("AWS resource (ACK): DBInstance arn:aws:rds:eu-west-1:1:db:db"));
  EXPECT_THAT(targets("buckets.s3.aws.upbound.io", object("{kind: Bucket, metadata: {name: b}}")),
              ElementsAre("cloud resource (Crossplane): Bucket b"));
}

TEST(OutsideReferences, AreNotAServicesOwnDoorNorAPodOfADeployment) {
  EXPECT_THAT(
      outside_references("configmaps",
                         object("{data: {endpoint: 'https://sts.eu-west-1.amazonaws.com'}}")),
      IsEmpty());
  EXPECT_THAT(outside_references(
                  "pods", object("{metadata: {name: p, ownerReferences: [{controller: true, kind: "
                                 "ReplicaSet, name: r, apiVersion: apps/v1, uid: u}]}, spec: "
                                 "{containers: [{env: [{name: A, value: 's3://b'}]}]}}")),
              IsEmpty());
}

TEST(LocalVolumes, AreThoseThatHoldSomethingOfTheirOwn) {
  const auto found = local_volumes_of(
      object("{metadata: {name: p, namespace: shop}, spec: {volumes: [{name: data, "
             "persistentVolumeClaim: {claimName: c}}, {name: token, projected: {}}, {name: conf, "
             "configMap: {name: x}}, {name: cache, emptyDir: {}}, {name: logs, hostPath: {path: "
             "/var/log}}, {name: share, nfs: {server: nas, path: /}}]}}"));
  std::vector<std::string> lines;
  for (const LocalVolume& one : found)
    lines.push_back(one.volume + " " + one.type + " " + one.detail);
  EXPECT_THAT(lines, ElementsAre("cache emptyDir ", "logs hostPath /var/log", "share nfs nas"));
}

TEST(ObjectNeeds, AreWhatAnotherClusterMayLack) {
  const auto names = [](std::string_view group_resource, std::string_view yaml) {
    std::vector<std::string> all;
    for (const Need& need : needs_of(group_resource, "shop", object(yaml)))
      all.push_back(need.id + " " + object_text(need.group_resource, need.ns, need.name));
    return all;
  };
  EXPECT_THAT(names("deployments.apps",
                    "{metadata: {namespace: shop}, spec: {template: {spec: "
                    "{priorityClassName: gold, imagePullSecrets: [{name: pull}]}}}}"),
              ElementsAre("missing-priority-class priorityclasses.scheduling.k8s.io gold",
                          "missing-pull-secret secrets shop/pull"));
  EXPECT_THAT(names("persistentvolumeclaims", "{spec: {storageClassName: gp3}}"),
              ElementsAre("missing-storage-class storageclasses.storage.k8s.io gp3"));
  EXPECT_THAT(names("ingresses.networking.k8s.io", "{spec: {ingressClassName: nginx}}"),
              ElementsAre("missing-ingress-class ingressclasses.networking.k8s.io nginx"));
  EXPECT_THAT(names("rolebindings.rbac.authorization.k8s.io",
                    "{roleRef: {kind: ClusterRole, name: readers}}"),
              ElementsAre("missing-cluster-role clusterroles.rbac.authorization.k8s.io readers"));
  EXPECT_THAT(
      names("rolebindings.rbac.authorization.k8s.io", "{roleRef: {kind: ClusterRole, name: edit}}"),
      IsEmpty());
  EXPECT_THAT(names("books.library.example.com", "{metadata: {name: b}}"),
              ElementsAre("missing-crd customresourcedefinitions.apiextensions.k8s.io "
                          "books.library.example.com"));
}

TEST(ObjectWitness, WarnsOfWhatIsNeededAndDoesNotComeAlong) {
  ObjectWitness witness;
  const auto look = [&witness](std::string_view kind, std::string_view ns, std::string_view name,
                               std::string_view yaml) {
    witness.look_at(kind, ns, name, write_json(object(yaml)));
  };
  look("persistentvolumeclaims", "shop", "a", "{spec: {storageClassName: gp3}}");
  look("persistentvolumeclaims", "shop", "b", "{spec: {storageClassName: gp3}}");
  look("persistentvolumeclaims", "shop", "c", "{spec: {storageClassName: here}}");
  look("storageclasses.storage.k8s.io", "", "here", "{metadata: {name: here}}");
  const Findings found = witness.findings("the backup");
  ASSERT_EQ(found.warnings.size(), 1U);
  EXPECT_EQ(found.warnings[0].id, "missing-storage-class");
  EXPECT_EQ(found.warnings[0].message,
            "it is not in the backup, and persistentvolumeclaims shop/a, persistentvolumeclaims "
            "shop/b need it: claims of it stay Pending");
  EXPECT_EQ(witness.counts().at("persistentvolumeclaims"), 3U);
}

TEST(ObjectWitness, WarnsOfOperatorsAndOfToolsThatPutBack) {
  ObjectWitness witness;
  witness.look_at("clusters.postgresql.cnpg.io", "shop", "db", R"({"metadata":{"name":"db"}})");
  witness.look_at("customresourcedefinitions.apiextensions.k8s.io", "",
                  "clusters.postgresql.cnpg.io", "{}");
  witness.look_at("configmaps", "shop", "c",
                  R"({"metadata":{"annotations":{"argocd.argoproj.io/tracking-id":"shop:x"}}})");
  std::vector<std::string> ids;
  for (const PlanWarning& one : witness.findings("the backup").warnings)
    ids.push_back(one.id + " " + one.subject);
  EXPECT_THAT(ids, ElementsAre("gitops-reverts 1 objects",
                               "operator-races clusters.postgresql.cnpg.io (1)"));
}

TEST(PlatformNamespaces, AreRecognisedByPlatform) {
  EXPECT_EQ(platform_namespace("kube-system")->platform, "Kubernetes");
  EXPECT_EQ(platform_namespace("gke-managed-cim")->platform, "GKE");
  EXPECT_EQ(platform_namespace("aks-command")->platform, "AKS");
  EXPECT_EQ(platform_namespace("amazon-guardduty")->platform, "EKS");
  EXPECT_EQ(platform_namespace("shop"), nullptr);
  EXPECT_EQ(platform_namespace("default"), nullptr);
}

TEST(MadeAnew, IsWhatKubernetesMakesOfSomethingElse) {
  const Json owned = object(
      "{metadata: {name: p, ownerReferences: [{controller: true, kind: X, name: "
      "x, apiVersion: v1, uid: u}]}}");
  EXPECT_TRUE(is_made_anew("pods", owned));
  EXPECT_FALSE(is_made_anew("pods", object("{metadata: {name: p}}")));
  EXPECT_FALSE(is_made_anew("policyexceptions.kyverno.io", owned));
  EXPECT_TRUE(is_made_anew("configmaps", object("{metadata: {name: kube-root-ca.crt}}")));
  EXPECT_TRUE(is_made_anew_kind("v1/Event"));
  EXPECT_FALSE(is_made_anew_kind("v1/Secret"));
}

TEST(VolumeRegions, AreReadFromLabelsAndAffinity) {
  EXPECT_EQ(region_of_zone("eu-west-1a"), "eu-west-1");
  EXPECT_EQ(region_of_zone("zone-one"), "zone-one");
  EXPECT_EQ(
      region_of_volume(object("{metadata: {labels: {topology.kubernetes.io/zone: us-east-1b}}}")),
      "us-east-1");
  EXPECT_EQ(region_of_volume(object(
                "{spec: {nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: "
                "topology.ebs.csi.aws.com/zone, operator: In, values: [us-west-2c]}]}]}}}}")),
            "us-west-2");
  EXPECT_EQ(region_of_volume(object("{spec: {}}")), "");
}

}  // namespace
}  // namespace lateen::assurance
