#include "cli/tables.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "cli/fixture.h"
#include "cli/table.h"

namespace lateen::cli {
namespace {

const Viewpoint kThen{.now = parse_rfc3339("2026-11-22T10:39:30Z").value_or(TimePoint())};

template <typename T>
std::string table(const std::vector<T>& objects) {
  std::vector<Row> rows = {heading<T>()};
  for (const T& object : objects)
    rows.push_back(row(object, kThen));
  return print_table(rows);
}

TEST(Tables, OfBackupsAreWhatVeleroPrints) {
  auto backups = fixture_objects<model::Backup>();
  sort_for_display(backups);
  EXPECT_EQ(table(backups), read_fixture("backup-get.txt"));
}

TEST(Tables, OfRestoresAreWhatVeleroPrints) {
  EXPECT_EQ(table(fixture_objects<model::Restore>()), read_fixture("restore-get.txt"));
}

TEST(Tables, OfSchedulesAreWhatVeleroPrints) {
  EXPECT_EQ(table(fixture_objects<model::Schedule>()), read_fixture("schedule-get.txt"));
}

TEST(Tables, OfBackupLocationsAreWhatVeleroPrints) {
  auto locations = fixture_objects<model::BackupStorageLocation>();
  ASSERT_EQ(locations.size(), 1U);
  // It was validated again between the table and the list.
  locations[0].status.last_validation_time =
      parse_rfc3339("2026-11-22T10:38:50Z").value_or(TimePoint());
  EXPECT_EQ(table(locations), read_fixture("backup-location-get.txt"));
}

TEST(Tables, ShowABackupThatWaitsAndOneThatGoes) {
  model::Backup waiting;
  waiting.metadata.name = "waiting";
  waiting.metadata.creation_timestamp = kThen.now;
  waiting.spec.ttl = std::chrono::hours(720);
  waiting.status.phase = model::BackupPhase::Queued;
  waiting.status.queue_position = 2;
  model::Backup going;
  going.metadata.name = "going";
  going.metadata.deletion_timestamp = kThen.now;
  going.status.expiration = kThen.now - std::chrono::hours(8);
  EXPECT_EQ(
      table(std::vector<model::Backup>{waiting, going}),
      "NAME      STATUS     ERRORS   WARNINGS   CREATED   EXPIRES   STORAGE LOCATION   QUEUE "
      "POSITION   SELECTOR\n"
      "waiting   Queued     0        0          <nil>     30d                          2          "
      "      <none>\n"
      "going     Deleting   0        0          <nil>     8h ago                                  "
      "      <none>\n");
}

TEST(Tables, TellTimesInTheReadersZone) {
  const auto zone = Zone::find("Asia/Kolkata");
  ASSERT_TRUE(zone);
  const Row cells = row(fixture_object<model::Restore>("dr"), {.now = kThen.now, .zone = *zone});
  EXPECT_EQ(cells.at(3), "2026-11-22 16:09:02 +0530 IST");
}

TEST(Tables, OfSchedulesSayWideWhenTheyRunNextAndWhatTheyMissed) {
  model::Schedule schedule;
  schedule.spec.schedule = "CRON_TZ=UTC 0 2 * * *";
  schedule.metadata.creation_timestamp = parse_rfc3339("2026-05-20T12:00:00Z").value();
  schedule.status.missed_runs = 3;
  EXPECT_EQ(wide_heading<model::Schedule>(), (Row{"NEXT RUN", "MISSED"}));
  EXPECT_EQ(wide_cells(schedule, {}), (Row{"2026-05-21 02:00:00 +0000 UTC", "3"}));
  schedule.status.next_run = parse_rfc3339("2026-05-23T02:00:00Z").value();
  EXPECT_EQ(wide_cells(schedule, {}), (Row{"2026-05-23 02:00:00 +0000 UTC", "3"}));
  schedule.spec.paused = true;
  EXPECT_EQ(wide_cells(schedule, {}), (Row{"n/a", "3"}));
  EXPECT_TRUE(wide_heading<model::Backup>().empty());
}

TEST(Tables, ShowTheNewestOfAScheduleFirst) {
  std::vector<model::Backup> backups(5);
  const char* names[] = {"nightly-20261120010000", "zebra", "nightly-20261122010000", "alpha",
                         "nightly-20261121010000"};
  for (std::size_t i = 0; i < backups.size(); ++i)
    backups[i].metadata.name = names[i];
  sort_for_display(backups);
  std::vector<std::string> sorted;
  for (const model::Backup& backup : backups)
    sorted.push_back(backup.metadata.name);
  EXPECT_EQ(sorted,
            (std::vector<std::string>{"alpha", "nightly-20261122010000", "nightly-20261121010000",
                                      "nightly-20261120010000", "zebra"}));
}

TEST(PrintTable, CutsACellAtItsFirstLine) {
  EXPECT_EQ(print_table({{"NAME", "MESSAGE"}, {"a", "one\ntwo"}}),
            "NAME   MESSAGE\na      one...\n");
}

// What Go's text/tabwriter makes of the same texts (minimum 0, tab 8, padding 2, blanks).
TEST(AlignTabs, AlignsRunsOfLinesThatHaveTheColumn) {
  EXPECT_EQ(align_tabs("a:\t1\nlonger:\t2\n\nb:\t3\n"), "a:       1\nlonger:  2\n\nb:  3\n");
}

TEST(AlignTabs, IndentsAnEmptyFirstCellByItsPadding) {
  EXPECT_EQ(align_tabs("Head:\n\tx:\t1\n\tlonger:\t2\n\t\tdeep\n"),
            "Head:\n  x:       1\n  longer:  2\n           deep\n");
}

TEST(AlignTabs, CountsCharactersNotBytes) {
  EXPECT_EQ(align_tabs("é:\t1\nab:\t2\n"), "é:   1\nab:  2\n");
}

TEST(AlignTabs, KeepsTrailingBlanksOfAnEmptyLastCell) {
  EXPECT_EQ(align_tabs("\t\n"), "  \n");
  EXPECT_EQ(align_tabs(""), "");
}

}  // namespace
}  // namespace lateen::cli
