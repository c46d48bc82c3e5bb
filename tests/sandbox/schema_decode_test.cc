#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "sandbox/schema/decode.h"
#include "sandbox/schema/protobuf.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

std::vector<Json> lines_of(const std::string& name) {
  std::vector<Json> lines;
  const std::string text =
      read_file(std::string(LATEEN_TESTDATA) + "/schema/" + name, 16_MiB).value();
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(parse_json(std::string_view(text).substr(at, end - at)).value());
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

const Type& type_of(const Json& object) {
  const ApiVersion at = split_api_version(string_at(object, "apiVersion"));
  const Type* type = TypeTable::builtin().find(at.group, at.version, string_at(object, "kind"));
  EXPECT_NE(type, nullptr) << write_json(object);
  return *type;
}

TEST(SchemaDecode, SaysOfBrokenBodiesWhatTheRealDecoderSays) {
  for (const Json& line : lines_of("decoding.jsonl")) {
    const std::string input(string_at(line, "input"));
    SCOPED_TRACE(input);
    const Json object = parse_json(input).value();
    const Status fits = check_types(type_of(object), object);
    const std::string_view error = string_at(line, "error");
    EXPECT_EQ(fits ? std::string() : fits.error().message(), error);
    if (!error.empty()) continue;
    std::vector<std::string> found = unknown_fields(type_of(object), object);
    for (std::string& twice : duplicate_fields(input))
      found.push_back(std::move(twice));
    std::vector<std::string> wanted;
    if (const JsonArray* strict = array_at(line, "strict")) {
      for (const Json& text : *strict)
        wanted.emplace_back(as_text(&text));
    }
    EXPECT_EQ(found, wanted);
  }
}

TEST(SchemaDecode, LeavesObjectsThatGoWroteAsTheyAre) {
  for (const Json& line : lines_of("protobuf.jsonl")) {
    const Json& object = *find(line, "json");
    SCOPED_TRACE(string_at(line, "kind"));
    EXPECT_TRUE(check_types(type_of(object), object));
    EXPECT_TRUE(unknown_fields(type_of(object), object).empty());
    EXPECT_EQ(write_json_unsorted(normalized(type_of(object), object)),
              write_json_unsorted(object));
  }
}

TEST(SchemaDecode, WritesAnObjectAsGoWould) {
  const Json object =
      parse_json(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{},"extra":1},
    "spec":{"containers":[{"name":"a","args":[],"tty":false,"resources":{"limits":{"cpu":"1000m"}}}],"volumes":[
    {"name":"v","emptyDir":{},"hostPath":null}],"hostNetwork":false,"securityContext":{}}})")
          .value();
  EXPECT_EQ(
      write_json_unsorted(normalized(type_of(object), object)),
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"volumes":[{"name":"v","emptyDir":{}}],)"
      R"("containers":[{"name":"a","resources":{"limits":{"cpu":"1"}}}],"securityContext":{}},"status":{}})");
}

TEST(SchemaDecode, KeepsCustomResourcesOfBuiltInGroupsAsTheyWereSent) {
  const Json object =
      parse_json(R"({"apiVersion":"snapshot.storage.k8s.io/v1","kind":"VolumeSnapshotClass",
    "metadata":{"name":"c"},"driver":"d","deletionPolicy":"Delete","strange":1})")
          .value();
  EXPECT_EQ(write_json(normalized(type_of(object), object)),
            R"({"apiVersion":"snapshot.storage.k8s.io/v1","deletionPolicy":"Delete","driver":"d",)"
            R"("kind":"VolumeSnapshotClass","metadata":{"name":"c"}})");
}

TEST(SchemaDecode, WordsStrictErrorsAsTheApiServerDoes) {
  EXPECT_EQ(strict_error_message("ConfigMap", "v1",
                                 {"unknown field \"datum\"", "duplicate field \"data.a\""}),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: "
            "unknown field \"datum\", duplicate field \"data.a\"");
}

TEST(SchemaDecode, FindsKeysThatAreThereTwiceInAnyText) {
  EXPECT_EQ(duplicate_fields(R"({"a":{"b":[{"c":1,"c":2}],"d\"":1},"a":3})"),
            (std::vector<std::string>{"duplicate field \"a.b[0].c\"", "duplicate field \"a\""}));
  EXPECT_TRUE(duplicate_fields(R"({"a":["a","a",{"a":"a"}],"b":{"a":1}})").empty());
}

TEST(SchemaProtobuf, ReadsWhatGoWrites) {
  for (const Json& line : lines_of("protobuf.jsonl")) {
    SCOPED_TRACE(string_at(line, "kind"));
    const Result<Json> object = decode_protobuf(base64_decode(string_at(line, "pb")).value());
    ASSERT_TRUE(object) << object.error().message();
    EXPECT_EQ(write_json(*object), write_json(*find(line, "json")));
  }
}

TEST(SchemaProtobuf, ReadsItsOwnBytesBack) {
  for (const Json& line : lines_of("protobuf.jsonl")) {
    SCOPED_TRACE(string_at(line, "kind"));
    const Result<std::string> bytes = encode_protobuf(*find(line, "json"));
    ASSERT_TRUE(bytes) << bytes.error().message();
    const Result<Json> object = decode_protobuf(*bytes);
    ASSERT_TRUE(object) << object.error().message();
    EXPECT_EQ(write_json(*object), write_json(*find(line, "json")));
  }
}

TEST(SchemaProtobuf, RefusesBytesCutAnywhereWithoutHarm) {
  const std::string whole = base64_decode(string_at(lines_of("protobuf.jsonl")[40], "pb")).value();
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    const Result<Json> object = decode_protobuf(std::string_view(whole).substr(0, length));
    if (object) continue;
    EXPECT_NE(object.error().code(), Code::Internal);
  }
}

TEST(SchemaProtobuf, KnowsNoKindThatHasNoProtobufForm) {
  const Json object = parse_json(R"({"apiVersion":"example.com/v1","kind":"Book"})").value();
  EXPECT_EQ(encode_protobuf(object).error().code(), Code::Unsupported);
}

}  // namespace
}  // namespace lateen::sandbox::schema
