"""The evaluator against the examples of AWS' documentation (IAM: policy evaluation logic, condition operators,
multivalued keys; EBS: tag on creation)."""

import unittest

from awsgate.iam import Request, evaluate


def allows(statement, action, resource="*", context=None, principal=""):
    policy = {"Version": "2012-10-17", "Statement": statement}
    return evaluate([policy], Request(action, resource, context or {}, principal)).allowed


def allow(action, resource="*", **others):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **others}


class Statements(unittest.TestCase):
    def test_what_nothing_allows_is_denied(self):
        self.assertFalse(allows([], "s3:GetObject"))

    def test_an_explicit_deny_wins(self):
        statements = [allow("s3:*"), {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}]
        self.assertTrue(allows(statements, "s3:GetObject"))
        self.assertFalse(allows(statements, "s3:DeleteObject"))

    def test_actions_compare_without_case_and_with_wildcards(self):
        self.assertTrue(allows([allow("S3:get*")], "s3:GetObject"))
        self.assertTrue(allows([allow("ec2:Describe?olumes")], "ec2:DescribeVolumes"))
        self.assertFalse(allows([allow("s3:Get*")], "s3:PutObject"))

    def test_not_action_leaves_out(self):
        statement = {"Effect": "Allow", "NotAction": ["iam:*", "s3:DeleteObject"], "Resource": "*"}
        self.assertTrue(allows([statement], "s3:GetObject"))
        self.assertFalse(allows([statement], "s3:DeleteObject"))

    def test_resources_compare_with_case(self):
        statement = [allow("s3:GetObject", "arn:aws:s3:::backups/*")]
        self.assertTrue(allows(statement, "s3:GetObject", "arn:aws:s3:::backups/a/b.json"))
        self.assertFalse(allows(statement, "s3:GetObject", "arn:aws:s3:::Backups/a"))
        self.assertFalse(allows(statement, "s3:ListBucket", "arn:aws:s3:::backups"))

    def test_brackets_are_letters(self):
        self.assertFalse(allows([allow("s3:GetObject", "arn:aws:s3:::b/[ab]")], "s3:GetObject", "arn:aws:s3:::b/a"))

    def test_not_resource_leaves_out(self):
        statement = [{"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}, allow("s3:*")]
        self.assertTrue(allows(statement, "s3:GetObject", "arn:aws:s3:::b/x"))
        self.assertFalse(allows(statement, "s3:GetObject", "arn:aws:s3:::c/x"))

    def test_variables_are_filled_in(self):
        statement = [allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*")]
        mine = {"aws:username": "ana"}
        self.assertTrue(allows(statement, "s3:GetObject", "arn:aws:s3:::home/ana/x", mine))
        self.assertFalse(allows(statement, "s3:GetObject", "arn:aws:s3:::home/bob/x", mine))

    def test_a_principal_is_looked_at_where_the_policy_has_one(self):
        statement = [allow("s3:GetObject", Principal={"AWS": "arn:aws:iam::123456789012:root"})]
        self.assertTrue(allows(statement, "s3:GetObject", principal="arn:aws:iam::123456789012:user/a"))
        self.assertFalse(allows(statement, "s3:GetObject", principal="arn:aws:iam::999999999999:user/a"))


class Conditions(unittest.TestCase):
    def holds(self, condition, context):
        return allows([allow("x:Y", Condition=condition)], "x:Y", "*", context)

    def test_string_equals_and_like(self):
        self.assertTrue(self.holds({"StringEquals": {"aws:RequestTag/a": ["1", "2"]}}, {"aws:RequestTag/a": "2"}))
        self.assertFalse(self.holds({"StringEquals": {"aws:RequestTag/a": "1"}}, {"aws:RequestTag/a": "2"}))
        self.assertTrue(self.holds({"StringLike": {"s3:prefix": "backups/*"}}, {"s3:prefix": "backups/x"}))
        self.assertTrue(self.holds({"StringEqualsIgnoreCase": {"k": "ABC"}}, {"k": "abc"}))

    def test_keys_compare_without_case_but_tags_with_it(self):
        self.assertTrue(self.holds({"StringEquals": {"AWS:requesttag/Team": "a"}}, {"aws:RequestTag/Team": "a"}))
        self.assertFalse(self.holds({"StringEquals": {"aws:RequestTag/team": "a"}}, {"aws:RequestTag/Team": "a"}))

    def test_an_absent_key_fails_equals_and_passes_not_equals(self):
        self.assertFalse(self.holds({"StringEquals": {"k": "a"}}, {}))
        self.assertTrue(self.holds({"StringNotEquals": {"k": "a"}}, {}))
        self.assertTrue(self.holds({"StringEqualsIfExists": {"k": "a"}}, {}))
        self.assertFalse(self.holds({"StringEqualsIfExists": {"k": "a"}}, {"k": "b"}))

    def test_not_equals_is_of_all_values(self):
        self.assertFalse(self.holds({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}))
        self.assertTrue(self.holds({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "c"}))

    def test_for_all_values(self):
        condition = {"ForAllValues:StringEquals": {"aws:TagKeys": ["velero.io/backup", "velero.io/restore"]}}
        self.assertTrue(self.holds(condition, {"aws:TagKeys": ["velero.io/backup"]}))
        self.assertFalse(self.holds(condition, {"aws:TagKeys": ["velero.io/backup", "Name"]}))
        self.assertTrue(self.holds(condition, {}), "as AWS warns: it is true of no values, too")

    def test_for_any_value(self):
        condition = {"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "b"]}}
        self.assertTrue(self.holds(condition, {"aws:TagKeys": ["b", "c"]}))
        self.assertFalse(self.holds(condition, {"aws:TagKeys": ["c"]}))
        self.assertFalse(self.holds(condition, {}))

    def test_bool(self):
        self.assertTrue(self.holds({"Bool": {"aws:SecureTransport": "false"}}, {"aws:SecureTransport": "false"}))
        self.assertFalse(self.holds({"Bool": {"aws:SecureTransport": False}}, {"aws:SecureTransport": "true"}))

    def test_null(self):
        self.assertTrue(self.holds({"Null": {"aws:TagKeys": "true"}}, {}))
        self.assertFalse(self.holds({"Null": {"aws:TagKeys": "false"}}, {}))
        self.assertTrue(self.holds({"Null": {"aws:TagKeys": "false"}}, {"aws:TagKeys": ["a"]}))

    def test_numbers_dates_and_addresses(self):
        self.assertTrue(self.holds({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "9"}))
        self.assertTrue(self.holds({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}},
                                   {"aws:CurrentTime": "2026-06-01T00:00:00Z"}))
        self.assertTrue(self.holds({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:SourceIp": "10.1.2.3"}))
        self.assertFalse(self.holds({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:SourceIp": "10.1.2.3"}))

    def test_arns(self):
        source = {"aws:SourceArn": "arn:aws:s3:::backups"}
        self.assertTrue(self.holds({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:back*"}}, source))
        self.assertFalse(self.holds({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}, source))

    def test_all_operators_and_all_keys_must_hold(self):
        condition = {"StringEquals": {"a": "1", "b": "2"}, "Bool": {"c": "true"}}
        self.assertTrue(self.holds(condition, {"a": "1", "b": "2", "c": "true"}))
        self.assertFalse(self.holds(condition, {"a": "1", "b": "2", "c": "false"}))
        self.assertFalse(self.holds(condition, {"a": "1", "c": "true"}))

    def test_an_unknown_operator_is_an_error(self):
        with self.assertRaises(ValueError):
            self.holds({"StringEqualz": {"a": "1"}}, {"a": "1"})


if __name__ == "__main__":
    unittest.main()
