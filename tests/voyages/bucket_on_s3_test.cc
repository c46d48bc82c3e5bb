// The journeys of a backup whose bucket is on S3 (moto's, behind a private authority): written,
// described, downloaded by its presigned URL, restored and deleted; and a bucket of Velero's,
// synced and restored from S3.
#include <algorithm>

#include "base/temp.h"
#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kShop = R"(
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config, namespace: shop}
data: {currency: EUR}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
stringData: {key: not-a-real-key}
)";

// boto3, AWS' own client: makes the buckets and looks into them.
constexpr const char* kBoto = R"py(
import boto3, os, pathlib, sys
from botocore.config import Config
s3 = boto3.client("s3", endpoint_url=sys.argv[1], verify=os.environ["CA"], region_name="us-east-1", aws_access_key_id="id",
                  aws_secret_access_key="key", config=Config(s3={"addressing_style": "path"}))
verb, bucket = sys.argv[2:4]
if verb == "make":
    s3.create_bucket(Bucket=bucket)
elif verb == "fill":
    root = pathlib.Path(sys.argv[4])
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        s3.upload_file(str(path), bucket, path.relative_to(root).as_posix())
elif verb == "list":
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            print(found["Key"])
elif verb == "uploads":
    print(len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])))
)py";

Names split_lines(const std::string& text) {
  Names lines;
  for (const std::string_view line : split_trimmed(text, '\n'))
    lines.emplace_back(line);
  return lines;
}

class BucketOnS3Voyage : public Voyage<BucketOnS3Voyage> {
 public:
  static Words server_flags() {
    return {"--backup-sync-period", "1s", "--store-validation-frequency", "1s"};
  }

 protected:
  static FilePath fixture() { return FilePath(LATEEN_TESTDATA) / "velero-bucket"; }

  static std::string python() {
    return std::string(LATEEN_SOURCE_DIR) + "/build/test-python/bin/python3";
  }

  static void SetUpTestSuite() {
    start_moto();
    Voyage::SetUpTestSuite();
    boto("make", "lateen");
    boto("make", "veleros");
    boto("fill", "veleros", (fixture() / "bucket").string());
    harbour().must_kubectl({"-n", "velero", "create", "secret", "generic", "cloud",
                            "--from-literal=cloud=[default]\naws_access_key_id=id\n"
                            "aws_secret_access_key=key\n"});
    make_location("s3", "lateen", {"--prefix", "cluster-a"});
    make_location("veleros", "veleros", {"--access-mode", "ReadOnly"});
    make_location("nowhere", "no-such-bucket", {});
    start_server();
    for (const char* name : {"s3", "veleros"}) {
      wait_until(fmt::format("location {} is Available", name),
                 [&] { return phase_of("backupstoragelocations", name) == "Available"; });
    }
    harbour().apply(kShop);
  }

  static void TearDownTestSuite() {
    Voyage::TearDownTestSuite();
    moto_.reset();
    certificates_.reset();
  }

  static std::string certificate() { return (certificates_->path() / "tls.pem").string(); }

  static std::string key_file() { return (certificates_->path() / "tls.key").string(); }

  // Over TLS, by a certificate that only the location's caCert vouches for.
  static void start_moto() {
    certificates_.emplace(std::move(*TempDir::create("lateen-voyage-tls")));
    const Outcome made = run_program({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                      "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                                      key_file(), "-out", certificate(), "-days", "2", "-subj",
                                      "/CN=s3.test", "-addext", "subjectAltName=IP:127.0.0.1"});
    ASSERT_TRUE(made.ok()) << made.story();
    auto child = Child::spawn(
        {.argv = {python(), std::string(LATEEN_SOURCE_DIR) + "/tests/tools/aws_server.py",
                  certificate(), key_file()},
         .in = Stdio::pipe(),
         .out = Stdio::pipe(),
         .err = Stdio::inherit()});
    ASSERT_TRUE(child) << child.error().message() << ": run tests/tools/python-env.sh first";
    moto_.emplace(std::move(*child));
    while (!url_.ends_with('\n')) {
      const auto byte = read_some(moto_->out().get(), 1);
      ASSERT_TRUE(byte && !byte->empty()) << "moto has ended";
      url_ += *byte;
    }
    url_.pop_back();
  }

  static std::string boto(const std::string& verb,
                          const std::string& bucket,
                          const std::string& more = {}) {
    const Outcome ran = run_program({python(), "-c", kBoto, url_, verb, bucket, more},
                                    {.env = {{"CA", certificate()}}});
    EXPECT_TRUE(ran.ok()) << ran.story();
    return ran.out;
  }

  static void make_location(const std::string& name, const std::string& bucket, Words more) {
    Words words = {"backup-location",
                   "create",
                   name,
                   "--provider",
                   "aws",
                   "--bucket",
                   bucket,
                   "--credential",
                   "cloud=cloud",
                   "--cacert",
                   certificate(),
                   "--config",
                   fmt::format("region=us-east-1,s3ForcePathStyle=true,s3Url={}", url_)};
    words.insert(words.end(), more.begin(), more.end());
    harbour().must_lateen(words);
  }

  static inline std::optional<TempDir> certificates_;
  static inline std::optional<Child> moto_;
  static inline std::string url_;
};

TEST_F(BucketOnS3Voyage, ABackupIsWrittenReadRestoredAndDeleted) {
  back_up("shop", {"--include-namespaces", "shop", "--storage-location", "s3"});
  const Names keys = split_lines(boto("list", "lateen"));
  EXPECT_EQ(keys.size(), 12U) << join(keys, "\n");
  EXPECT_EQ(std::ranges::count(keys, "cluster-a/backups/shop/velero-backup.json"), 1);
  EXPECT_EQ(std::ranges::count(keys, "cluster-a/backups/shop/shop.tar.gz"), 1);

  const std::string told = harbour().must_lateen({"backup", "describe", "shop", "--details"});
  EXPECT_NE(told.find("- shop/config\n"), std::string::npos) << told;
  EXPECT_NE(harbour().must_lateen({"backup", "logs", "shop"}).find("backup=velero/shop"),
            std::string::npos);
  harbour().must_lateen({"backup", "download", "shop"});
  const Outcome unpacked =
      run_program({"tar", "xzOf", (harbour().dir() / "shop-data.tar.gz").string(),
                   "resources/configmaps/namespaces/shop/config.json"});
  EXPECT_NE(unpacked.out.find("EUR"), std::string::npos) << unpacked.story();

  harbour().must_kubectl({"delete", "namespace", "shop", "--wait", "--timeout=120s"});
  restore("shop-back", {"--from-backup", "shop"});
  EXPECT_EQ(string_at(harbour().get({"-n", "shop", "configmap", "config"}), "data.currency"),
            "EUR");
  EXPECT_NE(
      harbour().must_lateen({"restore", "logs", "shop-back"}).find("restore=velero/shop-back"),
      std::string::npos);

  harbour().must_lateen({"backup", "delete", "shop", "--confirm"});
  wait_until("the backup is gone", [] { return phase_of("backups", "shop").empty(); });
  EXPECT_EQ(boto("list", "lateen"), "");
  EXPECT_EQ(boto("uploads", "lateen"), "0\n");
}

TEST_F(BucketOnS3Voyage, VelerosBucketIsSyncedAndRestoredFromS3) {
  wait_until("the eight backups have been synced",
             [] { return harbour().names({"-n", "velero", "backups.velero.io"}).size() >= 8; });
  EXPECT_NE(harbour().must_lateen({"backup", "logs", "bookstore-full"}).find("level=info"),
            std::string::npos);
  restore("from-velero",
          {"--from-backup", "bookstore-scoped", "--include-resources", "configmaps,secrets"});
  EXPECT_FALSE(harbour().names({"-n", "bookstore", "configmaps"}).empty());
}

TEST_F(BucketOnS3Voyage, AReadOnlyLocationIsNotWritten) {
  const std::string before = boto("list", "veleros");
  const Outcome refused =
      harbour().lateen({"backup", "create", "into-read-only", "--include-namespaces", "shop",
                        "--storage-location", "veleros", "--wait"});
  EXPECT_EQ(phase_of("backups", "into-read-only"), "FailedValidation") << refused.story();
  harbour().must_lateen({"backup", "delete", "cluster-all", "--confirm"});
  wait_until("the deletion was refused", [] {
    const auto requests = harbour().get({"-n", "velero", "deletebackuprequests.velero.io"});
    return write_json(requests).find("read-only") != std::string::npos;
  });
  EXPECT_EQ(phase_of("backups", "cluster-all"), "Completed");
  std::string after = boto("list", "veleros");
  // Restores keep their logs there, as Velero's do.
  Names kept = split_lines(after);
  std::erase_if(kept, [](const std::string& key) { return key.starts_with("restores/"); });
  Names were = split_lines(before);
  std::erase_if(were, [](const std::string& key) { return key.starts_with("restores/"); });
  EXPECT_EQ(kept, were);
}

TEST_F(BucketOnS3Voyage, ALocationThatCannotBeUsedSaysWhy) {
  wait_until("the location is Unavailable",
             [] { return phase_of("backupstoragelocations", "nowhere") == "Unavailable"; });
  const Json location = velero("backupstoragelocations", "nowhere");
  const std::string message(string_at(location, "status.message"));
  EXPECT_NE(message.find("bucket no-such-bucket does not exist at " + url_), std::string::npos)
      << message;
}

}  // namespace
}  // namespace lateen::voyages
