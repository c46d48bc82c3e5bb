#include "model/names.h"

#include <gtest/gtest.h>

#include "model/phases.h"

namespace lateen::model {
namespace {

TEST(Names, UpTo63BytesStayAsTheyAre) {
  const std::string name(63, 'a');
  EXPECT_EQ(valid_name(name), name);
  EXPECT_EQ(valid_repository_name(name), name);
}

// sha256 and sha3-224 of 64 times 'a' by the coreutils and OpenSSL command lines.
TEST(Names, LongerOnesEndInAPieceOfTheirHash) {
  const std::string name(64, 'a');
  EXPECT_EQ(valid_name(name), std::string(57, 'a') + "ffe054");
  EXPECT_EQ(valid_repository_name(name).size(), 56U);
}

TEST(Names, OfARepositoryAreNamespaceLocationAndType) {
  EXPECT_EQ(repository_name("bookstore", "default", "kopia"), "bookstore-default-kopia");
}

TEST(Phases, OfABackupGoOnlyForward) {
  using enum BackupPhase;
  EXPECT_TRUE(may_follow(Unset, Queued));
  EXPECT_TRUE(may_follow(New, InProgress));  // 1.14
  EXPECT_TRUE(may_follow(InProgress, Finalizing));
  EXPECT_TRUE(may_follow(Finalizing, Completed));
  EXPECT_TRUE(may_follow(Failed, Deleting));
  EXPECT_FALSE(may_follow(InProgress, Completed));
  EXPECT_FALSE(may_follow(Completed, InProgress));
  EXPECT_FALSE(may_follow(FinalizingPartiallyFailed, Completed));
  EXPECT_FALSE(may_follow(InProgress, Deleting));
  EXPECT_FALSE(may_follow(Unknown, Completed));
}

TEST(Phases, AreTerminalWhereNothingMoreHappens) {
  EXPECT_TRUE(is_terminal(BackupPhase::PartiallyFailed));
  EXPECT_TRUE(is_terminal(BackupPhase::FailedValidation));
  EXPECT_FALSE(is_terminal(BackupPhase::Finalizing));
  EXPECT_FALSE(is_terminal(BackupPhase::Unknown));
  EXPECT_TRUE(is_terminal(RestorePhase::Failed));
  EXPECT_TRUE(is_terminal(DataPhase::Canceled));
  EXPECT_TRUE(is_unfinished(BackupPhase::WaitingForPluginOperations));
}

TEST(Phases, ReadAndWriteEveryWordOfTheSchema) {
  for (const auto& [phase, word] : EnumWords<BackupPhase>::kWords) {
    EXPECT_EQ(parse_enum<BackupPhase>(word), phase);
    EXPECT_EQ(OpenEnum<BackupPhase>::parse(word), phase);
  }
  EXPECT_EQ(parse_enum<BackupPhase>("completed"), BackupPhase::Unknown);
}

}  // namespace
}  // namespace lateen::model
