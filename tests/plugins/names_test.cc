#include "plugins/names.h"

#include <gtest/gtest.h>

namespace lateen::plugins {
namespace {

TEST(PluginName, WithoutADomainIsVeleros) {
  EXPECT_EQ(qualified_name("aws"), "velero.io/aws");
  EXPECT_EQ(qualified_name("example.io/aws"), "example.io/aws");
}

TEST(PluginName, IsADomainASlashAndAName) {
  EXPECT_TRUE(check_plugin_name("velero.io/aws"));
  EXPECT_TRUE(check_plugin_name("a/B_c"));
  for (const std::string_view bad :
       {"aws", "velero.io/", "/aws", "a/b/c", "Velero.io/aws", "-a.io/x", "a..b/x", "a_b/x", ""}) {
    EXPECT_EQ(check_plugin_name(bad).error().code(), Code::InvalidArgument) << bad;
  }
}

TEST(PluginKind, IsReadAsItIsWritten) {
  for (const PluginKind kind : {PluginKind::ObjectStore, PluginKind::BackupItemActionV2,
                                PluginKind::ItemBlockAction, PluginKind::DeleteItemAction}) {
    EXPECT_EQ(parse_plugin_kind(to_string(kind)).value(), kind);
  }
  EXPECT_FALSE(parse_plugin_kind("PluginLister"));
}

}  // namespace
}  // namespace lateen::plugins
