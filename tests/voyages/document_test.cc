// The shell of our users' document, every command of it, as one voyage from the first line to the
// last: Lateen installed into the sandbox, over moto's S3, in the place of Velero on EKS. The
// commands and what they must print are data: tests/testdata/document/commands.yaml.
#include <algorithm>
#include <filesystem>

#include "base/environment.h"
#include "base/text.h"
#include "base/yaml.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::seconds;

constexpr const char* kBucket = "bookstore-eks-velero-backups-abc123";

// Each command runs in a bash of its own, with the variables that those before it have set.
constexpr const char* kStep = R"sh(
shopt -s expand_aliases
[ -f "$WORK/variables" ] && . "$WORK/variables"
eval "$1"
code=$?
declare -p BUCKET BACKUP_NAME CNPG >"$WORK/variables" 2>/dev/null
exit $code
)sh";

FilePath document_data() {
  return FilePath(LATEEN_TESTDATA) / "document";
}

std::string python_folder() {
  return LATEEN_SOURCE_DIR "/build/test-python/bin";
}

// Lines without the blanks that line them up; a * in a pattern is any text.
std::vector<std::string> plain_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) {
    std::string plain;
    for (const std::string& word : split_trimmed(replace_all(line, "\t", " "), ' ')) {
      if (!word.empty()) plain += (plain.empty() ? "" : " ") + word;
    }
    if (!plain.empty()) lines.push_back(std::move(plain));
  }
  return lines;
}

class DocumentVoyage : public ::testing::Test {
 protected:
  void SetUp() override {
    harbour_ = Harbour::open();
    ASSERT_NE(harbour_, nullptr);
    ASSERT_TRUE(path_exists(python_folder() + "/aws"))
        << "the voyage needs AWS' command line: tests/tools/python-env.sh installs it";
    start_moto();
    write_text(harbour_->dir() / "credentials",
               "[default]\naws_access_key_id=id\naws_secret_access_key=key\n");
    ASSERT_TRUE(make_dirs(harbour_->dir() / "bin"));
    write_text(harbour_->dir() / "bin/velero",
               fmt::format("#!/bin/sh\nexec {} \"$@\"\n", lateen_binary()));
    std::filesystem::permissions(harbour_->dir() / "bin/velero", std::filesystem::perms::owner_all);
    must(run("aws s3 mb s3://$BUCKET_NAME"));
    open_the_shop();
  }

  void TearDown() override {
    if (harbour_ != nullptr && HasFailure()) {
      std::cerr << harbour_->kubectl({"-n", "velero", "get", "pods"}).story() << "\n"
                << harbour_->kubectl({"-n", "velero", "logs", "deploy/velero"}).story() << "\n";
    }
    harbour_.reset();
    moto_.reset();
  }

  void start_moto() {
    auto child = Child::spawn(
        {.argv = {python_folder() + "/python3", LATEEN_SOURCE_DIR "/tests/tools/aws_server.py"},
         .in = Stdio::pipe(),
         .out = Stdio::pipe(),
         .err = Stdio::inherit()});
    ASSERT_TRUE(child) << child.error().message();
    moto_.emplace(std::move(*child));
    while (!url_.ends_with('\n')) {
      const auto byte = read_some(moto_->out().get(), 1);
      ASSERT_TRUE(byte && !byte->empty()) << "moto has ended";
      url_ += *byte;
    }
    url_.pop_back();
  }

  void open_the_shop() const {
    const std::string shop = LATEEN_SOURCE_DIR "/examples/bookstore";
    harbour_->must_kubectl({"apply", "-f", shop + "/00-cluster.yaml"});
    harbour_->must_kubectl(
        {"wait", "--for=condition=Established", "crd", "tenantclaims.platform.bookstore.example"});
    harbour_->must_kubectl({"apply", "-f", shop});
    wait_until("the bookstore has its six pods",
               [this] { return harbour_->names({"-n", "bookstore", "pods"}).size() >= 6; });
    harbour_->must_kubectl(
        {"-n", "bookstore", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s"});
  }

  Outcome run(const std::string& command) const {
    ProgramOptions options = harbour_->surroundings();
    options.env["PATH"] = fmt::format("{}:{}:{}", (harbour_->dir() / "bin").string(),
                                      python_folder(), env("PATH").value_or(""));
    options.env["WORK"] = harbour_->dir().string();
    options.env["TESTDATA"] = document_data().string();
    options.env["BUCKET_NAME"] = kBucket;
    options.env["AWS_ENDPOINT_URL"] = url_;
    options.env["AWS_ACCESS_KEY_ID"] = "id";
    options.env["AWS_SECRET_ACCESS_KEY"] = "key";
    options.env["AWS_DEFAULT_REGION"] = "us-east-1";
    options.within = seconds(300);
    return run_program({"bash", "-c", kStep, "step", command}, options);
  }

  static void must(const Outcome& ran) { ASSERT_TRUE(ran.ok()) << ran.story(); }

  void run_step(const Json& step) const {
    const std::string says(string_at(step, "says"));
    SCOPED_TRACE(says);
    if (find(step, "left") != nullptr) return;
    if (const std::string settle(string_at(step, "settle")); !settle.empty()) {
      wait_until(settle, [&] { return run(settle).ok(); });
    }
    const std::string_view instead = string_at(step, "runs");
    ASSERT_EQ(instead.empty(), string_at(step, "because").empty()) << "a substitute has a reason";
    const Outcome ran = run(instead.empty() ? says : std::string(instead));
    EXPECT_EQ(ran.code, int_at(step, "exit").value_or(0)) << ran.story();
    const std::vector<std::string> lines = plain_lines(ran.out + ran.err);
    auto at = lines.begin();
    for (const std::string& pattern : texts_at(step, "prints")) {
      at = std::find_if(at, lines.end(),
                        [&](const std::string& line) { return glob_match(pattern, line); });
      ASSERT_NE(at, lines.end()) << "no line is like: " << pattern << "\n" << ran.story();
      ++at;
    }
    for (const std::string& pattern : texts_at(step, "lacks")) {
      const bool any = std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return glob_match(pattern, line);
      });
      EXPECT_FALSE(any) << "a line is like: " << pattern << "\n" << ran.story();
    }
  }

  std::unique_ptr<Harbour> harbour_;
  std::optional<Child> moto_;
  std::string url_;
};

TEST_F(DocumentVoyage, EveryCommandOfTheDocumentDoesWhatItSays) {
  const auto listing = parse_yaml(text_of(document_data() / "commands.yaml"));
  ASSERT_TRUE(listing) << listing.error().message();
  for (const Json& part : listing->as_array()) {
    SCOPED_TRACE(string_at(part, "part"));
    for (const Json& step : *array_at(part, "steps")) {
      run_step(step);
      // The others build on it.
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace lateen::voyages
