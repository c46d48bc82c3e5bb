// Every request is noted, also those that were refused.
#include <gtest/gtest.h>

#include "base/temp.h"
#include "base/text.h"
#include "sandbox/testing/http_api.h"

namespace lateen::sandbox {
namespace {

TEST(Audit, NotesWhoAskedForWhatAndWhatCameOfIt) {
  testing::HttpApi api;
  const auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const FilePath path = dir->path() / "audit.log";
  const auto log = AuditLog::open(path, api.clock(), api.rng());
  ASSERT_TRUE(log) << log.error().describe();
  const std::string joe = api.token_of("default", "joe");
  api.set_audit(log->get());
  api.ask({.target = "/api/v1/namespaces/default/configmaps/nope?x=y"});
  api.ask({.target = "/api/v1/namespaces/default/secrets", .token = joe});
  api.ask({.target = "/apis", .token = "nonsense"});
  api.stop();  // an answer is noted after it has been given

  const auto text = read_file(path);
  ASSERT_TRUE(text);
  std::vector<Json> lines;
  for (const std::string_view line : split(trim(*text), '\n')) {
    const auto event = parse_json(line);
    ASSERT_TRUE(event) << line;
    lines.push_back(*event);
  }
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(string_at(lines[0], "kind"), "Event");
  EXPECT_EQ(string_at(lines[0], "apiVersion"), "audit.k8s.io/v1");
  EXPECT_EQ(string_at(lines[0], "verb"), "get");
  EXPECT_EQ(string_at(lines[0], "requestURI"), "/api/v1/namespaces/default/configmaps/nope?x=y");
  EXPECT_EQ(write_json(*find(lines[0], "objectRef")),
            R"({"apiVersion":"v1","name":"nope","namespace":"default","resource":"configmaps"})");
  EXPECT_EQ(int_at(lines[0], "responseStatus.code"), 404);
  EXPECT_EQ(string_at(lines[1], "user.username"), "system:serviceaccount:default:joe");
  EXPECT_EQ(string_at(lines[1], "verb"), "list");
  EXPECT_EQ(int_at(lines[1], "responseStatus.code"), 403);
  EXPECT_EQ(as_text(find(find(lines[1], "annotations"), JsonKey{"authorization.k8s.io/decision"})),
            "forbid");
  EXPECT_EQ(int_at(lines[2], "responseStatus.code"), 401);
}

TEST(Unenforced, WhatHasNoEffectIsToldInAWarning) {
  testing::HttpApi api;
  const auto told =
      api.ask({.method = "POST",
               .target = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
               .body = "{metadata: {name: closed}, spec: {podSelector: {}}}"});
  EXPECT_EQ(told.status, 201) << told.text;
  EXPECT_EQ(told.headers.get("Warning"),
            "299 - \"the sandbox has one network and does not enforce network policies\"");
  const auto definition =
      api.ask({.method = "POST",
               .target = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
               .body = R"(
metadata: {name: books.library.example.com}
spec:
  group: library.example.com
  scope: Namespaced
  names: {plural: books, kind: Book}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        x-kubernetes-validations: [{rule: 'self.a > 1'}]
)"});
  EXPECT_EQ(definition.status, 201) << definition.text;
  EXPECT_NE(definition.headers.get("Warning").find("does not evaluate x-kubernetes-validations"),
            std::string::npos);
  const auto plain = api.ask({.method = "POST",
                              .target = "/api/v1/namespaces/default/configmaps",
                              .body = "{metadata: {name: c}}"});
  EXPECT_FALSE(plain.headers.contains("Warning"));
}

}  // namespace
}  // namespace lateen::sandbox
