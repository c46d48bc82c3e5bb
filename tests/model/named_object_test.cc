#include "model/named_object.h"

#include <gtest/gtest.h>

#include "model/codec.h"
#include "model/names.h"
#include "model/restore.h"
#include "model/spec_validation.h"

namespace lateen::model {
namespace {

TEST(NamedObject, IsAResourceANamespaceAndAName) {
  const auto object = NamedObject::parse("configmaps/shop/settings");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->text(), "configmaps/shop/settings");
  EXPECT_TRUE(object->means("configmaps", "shop", "settings"));
  EXPECT_FALSE(object->means("configmaps", "bank", "settings"));
  EXPECT_FALSE(object->means("secrets", "shop", "settings"));
}

TEST(NamedObject, NeedsNoGroup) {
  const auto object = NamedObject::parse("deployments/shop/web");
  ASSERT_TRUE(object);
  EXPECT_TRUE(object->means("deployments.apps", "shop", "web"));
  EXPECT_FALSE(NamedObject::parse("deployments.apps/shop/web")
                   ->means("deployments.example.com", "shop", "web"));
}

TEST(NamedObject, OfNoNamespaceHasTwoParts) {
  const auto object = NamedObject::parse("clusterroles/reader");
  ASSERT_TRUE(object);
  EXPECT_TRUE(object->means("clusterroles.rbac.authorization.k8s.io", "", "reader"));
}

TEST(NamedObject, RefusesAnythingElse) {
  for (const char* text : {"", "pods", "pods/", "/shop/web", "pods//web", "a/b/c/d"}) {
    const auto object = NamedObject::parse(text);
    ASSERT_FALSE(object) << text;
    EXPECT_TRUE(object.error().is(Code::InvalidArgument));
  }
}

TEST(NamedObject, RestoresNameThemInAnAnnotation) {
  const auto json = parse_json(
      R"({"metadata":{"name":"r","annotations":{"lateen.io/include-objects":"pods/shop/web, ,nonsense"}},"spec":{"backupName":"b"}})");
  ASSERT_TRUE(json);
  const auto restore = from_json<Restore>(*json);
  ASSERT_TRUE(restore);
  EXPECT_EQ(restore->spec.included_objects, (StringList{"pods/shop/web", "nonsense"}));
  EXPECT_EQ(find(to_json(*restore), "spec.includedObjects"), nullptr);
  const StringList errors = validate(restore->spec);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.front(),
            "annotation lateen.io/include-objects: nonsense does not name an object");
}

}  // namespace
}  // namespace lateen::model
