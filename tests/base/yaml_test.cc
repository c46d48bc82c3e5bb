#include "base/yaml.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/yaml_scalar.h"

namespace lateen {
namespace {

Bytes read_test_file(const std::string& name) {
  std::ifstream file(std::string(LATEEN_TESTDATA) + "/" + name, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Json> read_cases(const std::string& name) {
  std::istringstream lines(read_test_file(name));
  std::vector<Json> cases;
  for (std::string line; std::getline(lines, line);) {
    auto parsed = parse_json(line);
    EXPECT_TRUE(parsed) << line;
    if (parsed) cases.push_back(std::move(*parsed));
  }
  return cases;
}

TEST(Yaml, IsReadAsGoReadsIt) {
  const auto cases = read_cases("yaml/to-json.jsonl");
  ASSERT_GT(cases.size(), 400U);
  for (const Json& c : cases) {
    const std::string_view text = string_at(c, "yaml");
    const auto ours = parse_yaml(text);
    if (find(c, "error") != nullptr) {
      EXPECT_FALSE(ours) << text << "\n  Go: " << string_at(c, "error")
                         << "\n  we: " << write_json(*ours);
    } else if (!ours) {
      ADD_FAILURE() << text << "\n  Go: " << string_at(c, "json")
                    << "\n  we: " << ours.error().message();
    } else {
      EXPECT_EQ(write_json(*ours), string_at(c, "json")) << text;
    }
  }
}

TEST(Yaml, IsWrittenAsGoWritesIt) {
  const auto cases = read_cases("yaml/from-json.jsonl");
  ASSERT_GT(cases.size(), 1000U);
  for (const Json& c : cases) {
    const auto value = parse_json(string_at(c, "json"));
    ASSERT_TRUE(value);
    EXPECT_EQ(write_yaml(*value), string_at(c, "yaml")) << string_at(c, "json");
  }
}

TEST(Yaml, OfRealObjectsIsWhatGoWrites) {
  std::istringstream lines(read_test_file("yaml/objects.sha256"));
  std::string file;
  std::size_t index = 0;
  std::string digest;
  int checked = 0;
  while (lines >> file >> index >> digest) {
    const auto list = parse_json(read_test_file("velero-bucket/" + file));
    ASSERT_TRUE(list);
    const std::string yaml = write_yaml((*array_at(*list, "items"))[index]);
    EXPECT_EQ(sha256_hex(yaml), digest) << yaml;
    ++checked;
  }
  EXPECT_EQ(checked, 90);
}

// libyaml itself aborts on it.
TEST(Yaml, OfNothingAtAllIsNull) {
  EXPECT_EQ(parse_yaml(std::string_view()).value_or(Json(1)), Json());
  EXPECT_EQ(parse_yaml("").value_or(Json(1)), Json());
}

TEST(Yaml, ReadsBackWhatItWrote) {
  for (const Json& c : read_cases("yaml/from-json.jsonl")) {
    const auto value = parse_json(string_at(c, "json"));
    ASSERT_TRUE(value);
    const auto again = parse_yaml(write_yaml(*value));
    ASSERT_TRUE(again) << string_at(c, "json");
    EXPECT_EQ(write_json(*again), write_json(*value));
  }
}

TEST(Yaml, KeepsLineEndsThatOnlyYamlKnows) {
  for (const char* text : {"a\u0085b", "\u2028", "a\u2029b\nc", "\ufeffx", "x\ufeff"}) {
    const auto again = parse_yaml(write_yaml(Json{{"k", text}}));
    ASSERT_TRUE(again);
    EXPECT_EQ(string_at(*again, "k"), text);
  }
}

TEST(Yaml, KeepsAKeyThatLooksLikeAMerge) {
  const Json value{{"<<", nullptr}};
  EXPECT_EQ(parse_yaml(write_yaml(value)).value_or("?"), value);
}

TEST(Yaml, TakesWhatGoYamlIsTooStrictFor) {
  // Both are valid; an escaped slash is what some JSON writers make.
  EXPECT_EQ(write_json(parse_yaml("k: \"\\/\"").value_or(nullptr)), R"({"k":"/"})");
  EXPECT_EQ(write_json(parse_yaml("%YAML 1.2\n---\nk: 1\n").value_or(nullptr)), R"({"k":1})");
}

TEST(Yaml, SplitsAStreamIntoDocuments) {
  const auto documents = parse_yaml_documents(
      "# first\n---\na: 1\n--- # next\n\n---\n{\"b\": \"\\ud83d\\ude00\"}\n---\nc: |\n  x\n  --- "
      "y\n---\n--- {d: 4}\n---\nnull\n");
  ASSERT_TRUE(documents) << documents.error().message();
  ASSERT_EQ(documents->size(), 4U);
  EXPECT_EQ(write_json((*documents)[0]), R"({"a":1})");
  EXPECT_EQ(write_json((*documents)[1]), R"({"b":"😀"})");
  EXPECT_EQ(write_json((*documents)[2]), R"({"c":"x\n--- y\n"})");
  EXPECT_EQ(write_json((*documents)[3]), R"({"d":4})");
  EXPECT_TRUE(parse_yaml_documents("")->empty());
  EXPECT_TRUE(parse_yaml_documents("---")->empty());
}

TEST(Yaml, SaysAtWhichLineItBroke) {
  const auto broken = parse_yaml("a: 1\nb: [\nc: 2\n");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code(), Code::InvalidArgument);
  EXPECT_TRUE(broken.error().message().starts_with("not valid YAML at line "))
      << broken.error().message();
  const auto second = parse_yaml_documents("a: 1\n---\nb: *x\n");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(),
            "the document from line 3: not valid YAML at line 1: unknown anchor 'x' referenced");
}

TEST(Yaml, RefusesWhatNestsTooDeeply) {
  EXPECT_TRUE(parse_yaml(std::string(500, '[') + std::string(500, ']')));
  EXPECT_FALSE(parse_yaml(std::string(20'000, '[')));
  EXPECT_FALSE(parse_yaml(std::string(20'000, '{')));
  // Depth by way of aliases.
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 700; ++i)
    text += fmt::format("a{}: &a{} [*a{}]\n", i, i, i - 1);
  EXPECT_FALSE(parse_yaml(text));
}

TEST(Yaml, KnowsBase60AndTimes) {
  EXPECT_TRUE(is_base60_number("190:20:30"));
  EXPECT_FALSE(is_base60_number("1:60"));
  EXPECT_TRUE(is_yaml_timestamp("2026-01-02T03:04:05.123Z"));
  EXPECT_FALSE(is_yaml_timestamp("2026-02-30"));
}

}  // namespace
}  // namespace lateen
