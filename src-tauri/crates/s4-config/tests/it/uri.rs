//! Which texts say where in which bucket.

use s4_config::{BucketRule, S3Uri, S3UriError};

#[track_caller]
fn check(text: &str, expected: Result<(&str, &str), &str>) {
    match (text.parse::<S3Uri>(), expected) {
        (Ok(uri), Ok((bucket, prefix))) => {
            assert_eq!((uri.bucket(), uri.prefix()), (bucket, prefix), "{text}");
            let canonical = uri.to_string();
            assert_eq!(canonical.parse::<S3Uri>().unwrap(), uri, "{canonical} means the same as {text}");
        }
        (Err(error), Err(variant)) => {
            assert!(format!("{error:?}").starts_with(variant), "{text}: {error:?}, not {variant}");
        }
        (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
    }
}

#[test]
fn a_bucket_and_a_prefix() {
    check("s3://bucket", Ok(("bucket", "")));
    check("s3://bucket/", Ok(("bucket", "")));
    check("s3://bucket/docs", Ok(("bucket", "docs")));
    check("s3://bucket/docs/", Ok(("bucket", "docs")));
    check("s3://bucket/docs///", Ok(("bucket", "docs")));
    check("s3://bucket/my docs/2024/é", Ok(("bucket", "my docs/2024/é")));
    check("s3://bucket/a:b/.s4x/..c/d.", Ok(("bucket", "a:b/.s4x/..c/d.")));
    check("S3://my.bucket-1/docs", Ok(("my.bucket-1", "docs")));
    check("bucket:docs/deep", Ok(("bucket", "docs/deep")));
    check("bucket:", Ok(("bucket", "")));
    check("bucket:docs/", Ok(("bucket", "docs")));
}

#[test]
fn what_is_no_place_in_a_bucket() {
    check("", Err("Form"));
    check("bucket", Err("Form"));
    check("/home/u/docs", Err("Form"));
    check("https://bucket/docs", Err("Scheme"));
    check("://bucket", Err("Scheme"));
    check("s3://", Err("MissingBucket"));
    check("s3:///docs", Err("MissingBucket"));
    check(":docs", Err("MissingBucket"));
    check("s3://bucket//docs", Err("EmptyPart"));
    check("s3://bucket/a//b", Err("EmptyPart"));
    check("bucket:/docs", Err("EmptyPart"));
    check("s3://bucket/.", Err("DotPart"));
    check("s3://bucket/a/../b", Err("DotPart"));
    check("s3://bucket/.s4", Err("ReservedPart"));
    check("s3://bucket/a/.S4/b", Err("ReservedPart"));
    check("s3://bucket/a\u{0}b", Err("Control"));
    check("s3://bucket/a\nb", Err("Control"));
}

#[test]
fn a_bucket_s_name_and_the_rule_that_it_breaks() {
    for (bucket, rule) in [
        ("a", BucketRule::Length),
        (&*"a".repeat(64), BucketRule::Length),
        ("Bucket", BucketRule::Characters),
        ("my_bucket", BucketRule::Characters),
        ("bücket", BucketRule::Characters),
        ("a b", BucketRule::Characters),
        ("-bucket", BucketRule::Ends),
        ("bucket.", BucketRule::Ends),
        ("my..bucket", BucketRule::AdjacentDots),
        ("192.168.0.1", BucketRule::IpAddress),
    ] {
        let error = format!("s3://{bucket}/docs").parse::<S3Uri>().unwrap_err();
        assert_eq!(error, S3UriError::Bucket { bucket: bucket.to_owned(), rule });
    }
    check(&format!("s3://{}", "a".repeat(63)), Ok((&"a".repeat(63), "")));
    check("s3://192.168.0.1a", Ok(("192.168.0.1a", "")));
    check("s3://access-point-s3alias", Ok(("access-point-s3alias", "")));
}

#[test]
fn keys_start_with_the_prefix_and_a_slash() {
    assert_eq!("s3://bucket".parse::<S3Uri>().unwrap().key_prefix(), "");
    assert_eq!("s3://bucket/a/b/".parse::<S3Uri>().unwrap().key_prefix(), "a/b/");
}
