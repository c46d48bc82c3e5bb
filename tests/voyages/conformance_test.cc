// The tables of tests/voyages/conformance, replayed against the sandbox; or, with
// LATEEN_CONFORMANCE_KUBECONFIG, against any cluster, in throw-away namespaces: what the tables say
// is what a real API server answers.
#include <algorithm>

#include "base/environment.h"
#include "base/random.h"
#include "base/text.h"
#include "base/yaml.h"
#include "voyages/testing/exchanges.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

FilePath tables_dir() {
  return FilePath(LATEEN_SOURCE_DIR) / "tests/voyages/conformance";
}

std::vector<std::string> tables() {
  std::vector<std::string> names;
  if (const auto entries = list_dir(tables_dir())) {
    for (const DirEntry& entry : *entries) {
      const std::string name = entry.name;
      if (name.ends_with(".yaml")) names.push_back(name.substr(0, name.size() - 5));
    }
  }
  return names;
}

class ConformanceVoyage : public ::testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    auto kubeconfig = env("LATEEN_CONFORMANCE_KUBECONFIG");
    if (!kubeconfig) {
      harbour_ = Harbour::open();
      if (harbour_ == nullptr) return;
      kubeconfig = harbour_->kubeconfig().string();
    }
    kube::KubeconfigOptions options;
    options.path = *kubeconfig;
    auto config = kube::load_cluster_config(options);
    ASSERT_TRUE(config) << config.error().describe();
    cluster_ = std::make_unique<kube::ClusterConfig>(std::move(*config));
  }

  static void TearDownTestSuite() {
    cluster_.reset();
    harbour_.reset();
  }

  void SetUp() override {
    ASSERT_NE(cluster_, nullptr) << "there is no cluster";
    auto opened = Replayer::open(*cluster_);
    ASSERT_TRUE(opened) << opened.error().describe();
    replayer_ = std::move(*opened);
    SystemRng rng;
    ns_ = "lateen-conformance-" + random_suffix(rng);
    replayer_->set("NS", ns_);
    replay({{"name", "make the namespace"},
            {"request", "POST /api/v1/namespaces"},
            {"send", {{"metadata", {{"name", ns_}}}}},
            {"status", 201}});
    replay({{"name", "wait for its service account"},
            {"request", "GET /api/v1/namespaces/$NS/serviceaccounts/default"},
            {"status", 200},
            {"until", true}});
  }

  void TearDown() override {
    if (replayer_ == nullptr) return;
    replay({{"name", "remove the namespace"},
            {"request", "DELETE /api/v1/namespaces/$NS"},
            {"status", 200}});
  }

  void replay(const Json& exchange) {
    const auto found = replayer_->replay(exchange);
    const std::string what =
        fmt::format("\"{}\": {}", string_at(exchange, "name"), string_at(exchange, "request"));
    if (!found) {
      ADD_FAILURE() << what << "\n" << found.error().describe();
    } else if (!found->empty()) {
      ADD_FAILURE() << what << "\n" << join(*found, "\n");
    }
  }

  std::unique_ptr<Replayer> replayer_;
  std::string ns_;
  static inline std::unique_ptr<Harbour> harbour_;
  static inline std::unique_ptr<kube::ClusterConfig> cluster_;
};

TEST_P(ConformanceVoyage, AnswersAsARealApiServerDoes) {
  const std::string text = text_of(tables_dir() / (GetParam() + ".yaml"));
  const auto table = parse_yaml(text);
  ASSERT_TRUE(table) << table.error().describe();
  const JsonArray* exchanges = array_at(*table, "exchanges");
  ASSERT_NE(exchanges, nullptr);
  for (const Json& exchange : *exchanges)
    replay(exchange);
}

INSTANTIATE_TEST_SUITE_P(, ConformanceVoyage, ::testing::ValuesIn(tables()), [](const auto& param) {
  return replace_all(param.param, "-", "_");
});

}  // namespace
}  // namespace lateen::voyages
