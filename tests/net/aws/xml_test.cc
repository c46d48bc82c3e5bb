#include "net/aws/xml.h"

#include <gtest/gtest.h>

namespace lateen::net::aws {
namespace {

TEST(Xml, ReadsElementsTextAndEntities) {
  const auto root = parse_xml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- by S3 -->\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<Name>b</Name><Contents><Key>a&amp;b &#x20AC;&#65;</Key><Size>3</Size></Contents>"
      "<Contents><Key><![CDATA[<c>]]></Key></Contents><Empty/></ListBucketResult>\n");
  ASSERT_TRUE(root) << root.error().message();
  EXPECT_EQ(root->name, "ListBucketResult");
  EXPECT_EQ(root->text_of("Contents/Key"),
            "a&b \xE2\x82\xAC"
            "A");
  ASSERT_EQ(root->all("Contents").size(), 2U);
  EXPECT_EQ(root->all("Contents")[1]->text_of("Key"), "<c>");
  EXPECT_NE(root->find("Empty"), nullptr);
  EXPECT_EQ(root->text_of("None/Key"), "");
}

TEST(Xml, PrefixesArePassedOver) {
  const auto root = parse_xml("<s:A xmlns:s='x' s:type=\"y>z\"><s:B>1</s:B></s:A>");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->name, "A");
  EXPECT_EQ(root->text_of("B"), "1");
}

// S3 sends blanks to keep a connection open while it completes an upload.
TEST(Xml, BlanksMayComeFirst) {
  EXPECT_TRUE(parse_xml("   \n  <?xml version=\"1.0\"?><A/>"));
}

TEST(Xml, RefusesWhatIsNotWellFormed) {
  for (const char* const text : {"",
                                 "text",
                                 "<a>",
                                 "<a></b>",
                                 "<a><b></a></b>",
                                 "</a>",
                                 "<a/><b/>",
                                 "<a>&unknown;</a>",
                                 "<a>&#0;</a>",
                                 "<a>&#x110000;</a>",
                                 "<a>&#xD800;</a>",
                                 "<a>&</a>",
                                 "<a b></a>",
                                 "<a b=c/>",
                                 "<a b=\"c/>",
                                 "<!-- ",
                                 "<![CDATA[",
                                 "<",
                                 "<>",
                                 "<a/>text",
                                 "<?xml"}) {
    EXPECT_FALSE(parse_xml(text)) << text;
  }
}

TEST(Xml, RefusesDocumentTypesAndBottomlessDepth) {
  EXPECT_FALSE(parse_xml("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "<a>";
  EXPECT_EQ(parse_xml(deep).error().code(), Code::Corrupt);
}

TEST(Xml, EscapedTextComesBack) {
  const std::string text = "a<b>&\"'\r\n\t\xE2\x82\xAC";
  const auto root = parse_xml("<k>" + escape_xml(text) + "</k>");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->text, text);
}

}  // namespace
}  // namespace lateen::net::aws
