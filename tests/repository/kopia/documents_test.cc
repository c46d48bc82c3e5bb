// The JSON documents: directories, lists, manifests, snapshots, times.
#include <gtest/gtest.h>

#include "repository/kopia/directory.h"
#include "repository/kopia/go_time.h"
#include "repository/kopia/manifests.h"
#include "repository/kopia/pack_session.h"
#include "repository/kopia/snapshot.h"
#include "repository/kopia/tree_format.h"

namespace lateen::repository::kopia {
namespace {

// As kopia 0.23.1 wrote it, but for the shortened IDs.
constexpr std::string_view kDirectory =
    R"({"stream":"kopia:directory","entries":[)"
    R"({"name":"sub","type":"d","mode":"04000777","mtime":"2026-01-01T00:00:00.5Z","uid":1000,"gid":1001,"obj":"k00ff","summ":{"size":12,"files":1,"symlinks":0,"dirs":1,"maxTime":"2026-01-01T00:00:01Z","numFailed":0}},)"
    R"({"name":"a \u003cb\u003e","type":"f","mode":"040000755","size":12,"mtime":"2026-01-01T00:00:00.000000005Z","obj":"00aa"},)"
    R"({"name":"link","type":"s","mode":"0777","size":3,"obj":"00bb"},)"
    R"({"name":"z","type":"f","obj":"Ix00cc"})"
    R"(],"summary":{"size":24,"files":3,"symlinks":1,"dirs":2,"maxTime":"2026-01-01T00:00:01Z","numFailed":1,"errors":[{"path":"q","error":"permission denied"}]}})"
    "\n";

TEST(KopiaDirectory, IsReadAndWrittenAsKopiaDoes) {
  const auto directory = parse_directory(kDirectory);
  ASSERT_TRUE(directory) << directory.error().message();
  ASSERT_EQ(directory->entries.size(), 4U);
  const Entry& sub = directory->entries[0].entry;
  EXPECT_EQ(sub.type, EntryType::Directory);
  EXPECT_EQ(sub.mode, 01777);
  EXPECT_EQ(sub.uid, 1000U);
  EXPECT_EQ(directory->entries[0].summary->size, 12U);
  EXPECT_EQ(directory->entries[1].entry.name, "a <b>");
  EXPECT_EQ(directory->entries[1].entry.mode, 04755);
  EXPECT_EQ(directory->entries[1].entry.mtime.time_since_epoch().count() % 1'000'000'000, 5);
  EXPECT_EQ(directory->entries[2].entry.type, EntryType::Symlink);
  EXPECT_EQ(directory->summary.summary.problems.front().path, "q");
  EXPECT_EQ(write_directory(directory->entries, directory->summary), kDirectory);
}

TEST(KopiaDirectory, EmptyOneHasNullForEntries) {
  const std::string text = write_directory({}, {});
  EXPECT_EQ(text, R"({"stream":"kopia:directory","entries":null,"summary":{"size":0,"files":0,)"
                  R"("symlinks":0,"dirs":0,"maxTime":"1970-01-01T00:00:00Z","numFailed":0}})"
                  "\n");
  EXPECT_TRUE(parse_directory(text)->entries.empty());
}

TEST(KopiaDirectory, NamesThatLeadElsewhereAreRefused) {
  for (const std::string name : {"", ".", "..", "a/b", "/", "a\\u0000b"}) {
    const std::string json = R"({"stream":"kopia:directory","entries":[{"name":")" + name +
                             R"(","type":"f","obj":"00aa"}],"summary":null})";
    const auto directory = parse_directory(json);
    ASSERT_FALSE(directory) << name;
    EXPECT_EQ(directory.error().code(), Code::Corrupt);
  }
}

TEST(KopiaDirectory, WhatIsNoneIsRefused) {
  for (
      const std::string json :
      {"", "{}", "[]", R"({"stream":"kopia:indirect","entries":[]})",
       R"({"stream":"kopia:directory","entries":[{"name":"a","type":"f"}]})",
       R"({"stream":"kopia:directory","entries":[{"name":"a","type":"q","obj":"00"}]})",
       R"({"stream":"kopia:directory","entries":[{"name":"a","type":"f","obj":"xyz"}]})",
       R"({"stream":"kopia:directory","entries":[{"name":"a","type":"f","obj":"00","mode":"9"}]})",
       R"({"stream":"kopia:directory","entries":[{"name":"a","type":"f","obj":"00","size":-1}]})"}) {
    EXPECT_FALSE(parse_directory(json)) << json;
  }
}

TEST(KopiaList, IsReadAndWrittenAsKopiaDoes) {
  const std::string text =
      R"({"stream":"kopia:indirect","entries":[{"l":5505088,"o":"00aa"},{"s":5505088,"l":7,"o":"00bb"}]})"
      "\n";
  const auto list = parse_list(text);
  ASSERT_TRUE(list) << list.error().message();
  std::vector<ChunkRef> pieces;
  for (const ListedPiece& piece : *list) {
    pieces.push_back({.id = piece.object.content, .offset = piece.offset, .length = piece.length});
  }
  EXPECT_EQ(write_list(pieces), text);
  EXPECT_FALSE(parse_list(R"({"stream":"kopia:directory","entries":[]})"));
  EXPECT_FALSE(parse_list(R"({"stream":"kopia:indirect","entries":[{"l":5}]})"));
}

TEST(KopiaTimes, AreReadAndWrittenAsGoDoes) {
  for (const std::string text :
       {"1970-01-01T00:00:00Z", "2026-11-22T10:04:03.7Z", "1969-12-31T23:59:59.999999999Z",
        "2100-02-28T00:00:00.000000001Z", "1700-03-01T12:00:00Z", "0001-01-01T00:00:00Z"}) {
    const auto time = parse_go_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(format_go_time_json(*time), text);
  }
  EXPECT_EQ(format_go_time_json(*parse_go_time("2026-01-01T02:00:00+02:00")),
            "2026-01-01T00:00:00Z");
  EXPECT_EQ(*parse_go_time("9999-01-01T00:00:00Z"), TimePoint::max());
  for (const std::string text : {"", "2026-01-01", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
                                 "2026-01-01T25:00:00Z", "2026-01-01T00:00:00.Z", "x"}) {
    EXPECT_FALSE(parse_go_time(text)) << text;
  }
}

TEST(KopiaManifests, AreReadAndWrittenAsKopiaDoes) {
  const std::string text =
      R"({"entries":[{"id":"aa","labels":{"hostname":"h","type":"snapshot"},"modified":"2026-11-22T10:04:03.7Z","data":{"z":1,"a":[1.5]}},)"
      R"({"id":"bb","labels":null,"modified":"2026-11-22T10:04:04Z","deleted":true,"data":null}]})"
      "\n";
  const auto manifests = parse_manifests(text);
  ASSERT_TRUE(manifests) << manifests.error().message();
  EXPECT_EQ(manifests->at(0).labels.at("type"), "snapshot");
  EXPECT_TRUE(manifests->at(1).deleted);
  EXPECT_EQ(write_manifests(*manifests), text);
}

TEST(KopiaManifests, WithoutDataAreStillJsonWhenTheyAreWritten) {
  const auto manifests =
      parse_manifests(R"({"entries":[{"id":"aa","modified":"2026-11-22T10:04:03.7Z"}]})");
  ASSERT_TRUE(manifests) << manifests.error().message();
  const auto again = parse_manifests(write_manifests(*manifests));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->at(0).id, "aa");
}

TEST(KopiaSnapshots, AreWrittenWithTheFieldsInKopiasOrder) {
  Snapshot snapshot{.time = *parse_go_time("2026-11-22T10:04:03.7Z"),
                    .end = *parse_go_time("2026-11-22T10:04:05Z"),
                    .host = "default",
                    .user = "default",
                    .paths = {"/p"},
                    .tags = {"backup=b1", "plain"},
                    .description = "Kopia Uploader",
                    .pins = {"velero-pin"},
                    .stats = {.size = 5, .files = 2, .dirs = 1}};
  snapshot.root.entry = {.name = "mount", .type = EntryType::Directory, .mode = 0755};
  snapshot.root.object = "k00ff";
  const Bytes data = write_snapshot(snapshot);
  EXPECT_EQ(
      data,
      R"({"id":"","source":{"host":"default","userName":"default","path":"/p"},"description":"Kopia Uploader","startTime":"2026-11-22T10:04:03.7Z","endTime":"2026-11-22T10:04:05Z","stats":{"totalSize":5,"excludedTotalSize":0,"fileCount":2,"cachedFiles":0,"nonCachedFiles":0,"dirCount":1,"excludedFileCount":0,"excludedDirCount":0,"ignoredErrorCount":0,"errorCount":0},"rootEntry":{"name":"mount","type":"d","mode":"0755","obj":"k00ff"},"tags":{"backup":"b1","tag:plain":""},"pins":["velero-pin"]})");
  const auto read = parse_snapshot({.id = "1f", .data = data});
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->id, "1f");
  EXPECT_EQ(read->tags, snapshot.tags);
  EXPECT_EQ(read->pins, snapshot.pins);
  EXPECT_EQ(read->root.object, "k00ff");
  EXPECT_EQ(write_snapshot(*read), data);
}

TEST(KopiaSnapshots, TagsThatWouldHideTheSourceAreRefused) {
  const auto labels = snapshot_labels({.paths = {"/p"}, .tags = {"path=/other"}});
  ASSERT_FALSE(labels);
  EXPECT_EQ(labels.error().message(), "a snapshot cannot have the tag \"path\"");
}

TEST(KopiaSessions, AreNamedAfterTheMonth) {
  SystemRng rng;
  const std::string id = new_session_id(rng, *parse_go_time("2026-11-22T10:04:03Z"));
  EXPECT_EQ(id.size(), 20U);
  EXPECT_EQ(id.substr(17), "147");
  EXPECT_EQ(session_of("p00-" + id), id);
  EXPECT_EQ(session_of("xn0_00-" + id + "-c1"), id);
  EXPECT_EQ(session_of("p00"), "");
  const auto marker = parse_session_marker(write_session_marker(
      {.id = id, .started = TimePoint{}, .checkpoint = TimePoint{}, .user = "u", .host = "h"}));
  ASSERT_TRUE(marker);
  EXPECT_EQ(marker->id, id);
}

}  // namespace
}  // namespace lateen::repository::kopia
