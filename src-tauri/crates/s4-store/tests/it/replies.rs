//! Replies that must not be believed, and what is made of others.

use bytes::Bytes;
use futures::TryStreamExt as _;
use s4_core::capabilities::{Capabilities, CopyCondition, ETagForm};
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, Metadata, UnixMillis};
use s4_store::aws::{AwsStore, Connection, CredentialSource};
use s4_store::error::{Result, StoreErrorKind};
use s4_store::store::{
    Condition, ContinuationToken, CopyRequest, GetOptions, ListFrom, ObjectAttributes, Part, Store, UploadId,
};

use crate::scripted::{Reply, Scripted};

const PAGE: &str = "<html><body>Please accept our terms.</body></html>";
const ETAG: (&str, &str) = ("ETag", "\"5d41402abc4b2a76b9719d911017c592\"");
const MODIFIED: (&str, &str) = ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT");

fn key() -> ObjectKey {
    ObjectKey::new("a key")
}

fn kind<T>(result: Result<T>) -> StoreErrorKind {
    match result {
        Ok(_) => panic!("a request succeeded that had to fail"),
        Err(error) => error.kind,
    }
}

/// Sends every kind of request; each must fail as `expected`.
async fn every_request_fails(reply: Reply, expected: StoreErrorKind) {
    let server = Scripted::start(vec![reply]).await;
    let store = server.store().await;
    let key = key();
    let attributes = ObjectAttributes::default();
    let upload = UploadId("upload".into());
    let part = Part { number: 1, etag: ETag::new("e"), size: 1, crc64nvme: None };
    let copy = CopyRequest {
        source: key.clone(),
        source_version: None,
        source_if_match: None,
        destination: key.clone(),
        condition: Condition::None,
        attributes: None,
    };
    let seen = [
        ("list", kind(store.list("", ListFrom::Start, None).await)),
        ("head", kind(store.head(&key, None).await)),
        ("get", kind(store.get(&key, GetOptions::default()).await)),
        ("put", kind(store.put(&key, Bytes::new(), 0, &attributes, &Condition::None).await)),
        ("copy", kind(store.copy(&copy).await)),
        ("delete", kind(store.delete(&key, &Condition::None).await)),
        ("versions", kind(store.versions(&key).await)),
        ("create upload", kind(store.create_upload(&key, &attributes).await)),
        ("upload part", kind(store.upload_part(&key, &upload, 1, Bytes::new(), 0).await)),
        ("complete", kind(store.complete_upload(&key, &upload, &[part], None, &Condition::None).await)),
        ("abort", kind(store.abort_upload(&key, &upload).await)),
        ("parts", kind(store.parts(&key, &upload).await)),
        ("pending", kind(store.pending_uploads("").await)),
        ("versioning", kind(store.versioning().await)),
        ("check", kind(store.check_bucket().await)),
    ];
    for (request, kind) in seen {
        assert_eq!(kind, expected, "{request}");
    }
}

#[tokio::test]
async fn a_portals_page_is_no_reply() {
    every_request_fails(
        Reply::new("200 OK", &[("Content-Type", "text/html")], PAGE),
        StoreErrorKind::Offline,
    )
    .await;
}

#[tokio::test]
async fn a_portals_page_is_no_reply_whatever_its_status() {
    let html = [("Content-Type", "text/html; charset=utf-8")];
    for status in ["404 Not Found", "403 Forbidden", "412 Precondition Failed", "302 Found"] {
        let server = Scripted::start(vec![Reply::new(status, &html, PAGE)]).await;
        assert_eq!(kind(server.store().await.head(&key(), None).await), StoreErrorKind::Offline, "{status}");
    }
}

#[tokio::test]
async fn a_success_without_substance_is_none() {
    let server = Scripted::start(vec![Reply::new("200 OK", &[], "")]).await;
    let store = server.store().await;
    let attributes = ObjectAttributes::default();
    let put = store.put(&key(), Bytes::new(), 0, &attributes, &Condition::None).await;
    assert_eq!(kind(put), StoreErrorKind::Offline);
    assert_eq!(kind(store.head(&key(), None).await), StoreErrorKind::Offline);
    assert_eq!(kind(store.list("", ListFrom::Start, None).await), StoreErrorKind::Offline);
}

#[tokio::test]
async fn an_empty_listing_must_say_that_it_is_complete() {
    let rows = [
        ("<ListBucketResult/>", false),
        ("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", false),
        ("<ListBucketResult><IsTruncated>false</IsTruncated>", false),
        ("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", true),
    ];
    for (body, believed) in rows {
        let server = Scripted::start(vec![Reply::new("200 OK", &[], body)]).await;
        let listed = server.store().await.list("", ListFrom::Start, None).await;
        assert_eq!(listed.is_ok(), believed, "{body}");
    }
}

#[tokio::test]
async fn refusals_are_told_apart_on_the_wire() {
    let rows = [
        (Reply::refusal("403 Forbidden", "AccessDenied"), StoreErrorKind::Denied),
        (Reply::refusal("400 Bad Request", "ExpiredToken"), StoreErrorKind::Credentials),
        (Reply::refusal("403 Forbidden", "RequestTimeTooSkewed"), StoreErrorKind::ClockSkew),
        (Reply::refusal("404 Not Found", "NoSuchBucket"), StoreErrorKind::NoBucket),
        (Reply::refusal("409 Conflict", "ConditionalRequestConflict"), StoreErrorKind::Conflict),
        (Reply::refusal("412 Precondition Failed", "PreconditionFailed"), StoreErrorKind::PreconditionFailed),
        (Reply::refusal("501 Not Implemented", "NotImplemented"), StoreErrorKind::Unsupported),
        (Reply::refusal("400 Bad Request", "BadDigest"), StoreErrorKind::Corrupt),
    ];
    for (reply, expected) in rows {
        let server = Scripted::start(vec![reply]).await;
        let attributes = ObjectAttributes::default();
        let put = server.store().await.put(&key(), Bytes::new(), 0, &attributes, &Condition::None).await;
        let error = put.unwrap_err();
        assert_eq!(error.kind, expected);
        assert!(error.to_string().contains("PutObject `a key`"), "{error}");
        assert_eq!(server.asked().len(), 1, "{expected}: nothing is sent twice");
    }
}

#[tokio::test]
async fn the_right_region_is_named() {
    let region = ("x-amz-bucket-region", "eu-west-3");
    let expected = StoreErrorKind::WrongRegion { region: Some("eu-west-3".into()) };
    for status in ["301 Moved Permanently", "400 Bad Request"] {
        let server = Scripted::start(vec![Reply::new(status, &[region], "")]).await;
        assert_eq!(kind(server.store().await.head(&key(), None).await), expected, "{status}");
    }
    let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>";
    let server = Scripted::start(vec![Reply::new("400 Bad Request", &[], body)]).await;
    assert_eq!(kind(server.store().await.check_bucket().await), expected);
}

#[tokio::test]
async fn an_unknown_region_is_asked_for() {
    let region = ("x-amz-bucket-region", "eu-west-3");
    let malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>garage</Region></Error>";
    let listing = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let rows = [
        (Reply::new("301 Moved Permanently", &[region], ""), "eu-west-3"),
        (Reply::new("403 Forbidden", &[region], ""), "eu-west-3"),
        (Reply::new("400 Bad Request", &[], malformed), "garage"),
        (Reply::new("200 OK", &[], listing), "us-east-1"),
        (Reply::refusal("404 Not Found", "NoSuchBucket"), "us-east-1"),
    ];
    for (reply, expected) in rows {
        let server = Scripted::start(vec![reply, Reply::new("200 OK", &[], listing)]).await;
        let store = AwsStore::connect(server.connection()).await.unwrap();
        assert_eq!(store.region(), expected);
        store.check_bucket().await.unwrap();
        let [first, second] = server.asked().try_into().unwrap();
        assert!(first.contains("/us-east-1/s3/aws4_request"), "{first}");
        assert!(second.contains(&format!("/{expected}/s3/aws4_request")), "{second}");
    }
    let portal = Reply::new("200 OK", &[("Content-Type", "text/html")], PAGE);
    let server = Scripted::start(vec![portal]).await;
    assert_eq!(kind(AwsStore::connect(server.connection()).await), StoreErrorKind::Offline);
}

#[tokio::test]
async fn a_busy_store_is_asked_again() {
    let busy = ["503 Service Unavailable", "500 Internal Server Error", "429 Too Many Requests"];
    for status in busy {
        let ok = Reply::new("200 OK", &[ETAG, MODIFIED], "hello");
        let server = Scripted::start(vec![Reply::refusal(status, "SlowDown"), ok]).await;
        assert_eq!(server.store().await.head(&key(), None).await.unwrap().size, 5, "{status}");
        assert_eq!(server.asked().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn failures_inside_a_success_are_failures() {
    let body =
        "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>";
    let server = Scripted::start(vec![Reply::new("200 OK", &[], body)]).await;
    let store = server.store().await;
    let copy = CopyRequest {
        source: key(),
        source_version: None,
        source_if_match: None,
        destination: key(),
        condition: Condition::None,
        attributes: None,
    };
    assert_eq!(kind(store.copy(&copy).await), StoreErrorKind::SlowDown);
    let part = Part { number: 1, etag: ETag::new("e"), size: 1, crc64nvme: None };
    let upload = UploadId("upload".into());
    let completed = store.complete_upload(&key(), &upload, &[part], None, &Condition::None).await;
    assert_eq!(kind(completed), StoreErrorKind::SlowDown);
}

#[tokio::test]
async fn a_completion_without_a_tag_is_believed_only_of_our_own_parts() {
    let body = "<CompleteMultipartUploadResult><Key>a key</Key><ETag></ETag></CompleteMultipartUploadResult>";
    let part =
        Part { number: 1, etag: ETag::new("900150983cd24fb0d6963f7d28e17f72"), size: 3, crc64nvme: None };
    // `printf abc | md5sum | xxd -r -p | md5sum`
    let ours = ("ETag", "\"af5da9f45af7a300e3aded972f8ff687-1\"");
    let rows = [(ours, "abc", true), (ours, "abcd", false), (ETAG, "abc", false)];
    for (etag, there, believed) in rows {
        let head = Reply::new("200 OK", &[etag, MODIFIED], there);
        let server = Scripted::start(vec![Reply::new("200 OK", &[], body), head]).await;
        let store = server.store().await;
        let upload = UploadId("upload".into());
        let parts = std::slice::from_ref(&part);
        let completed = store.complete_upload(&key(), &upload, parts, Some(1), &Condition::None).await;
        assert_eq!(completed.is_ok(), believed, "{etag:?} {there}");
    }
}

#[tokio::test]
async fn a_listing_that_does_not_go_on_is_refused() {
    let listing = |key: &str, more: &str| {
        let entry = format!(
            "<Contents><Key>{key}</Key><Size>1</Size><ETag>\"e\"</ETag>\
             <LastModified>2020-01-01T00:00:00.000Z</LastModified></Contents>"
        );
        Reply::new("200 OK", &[], &format!("<ListBucketResult>{more}{entry}</ListBucketResult>"))
    };
    let last = "<IsTruncated>false</IsTruncated>";
    let again = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
    let after = || ListFrom::After(ObjectKey::new("b"));
    let token = || ListFrom::Token(ContinuationToken("t".into()));
    let rows = [
        (listing("c", last), after(), true),
        (listing("a", last), after(), false),
        (listing("a", again), ListFrom::Start, true),
        (listing("a", again), token(), false),
    ];
    for (reply, from, believed) in rows {
        let server = Scripted::start(vec![reply]).await;
        let listed = server.store().await.list("", from.clone(), None).await;
        assert_eq!(listed.is_ok(), believed, "{from:?}");
    }
    let server = Scripted::start(vec![listing("other/a", last)]).await;
    let listed = server.store().await.list("docs/", ListFrom::Start, None).await;
    assert_eq!(kind(listed), StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error() {
    let short = Reply { claimed: Some(10), ..Reply::new("200 OK", &[ETAG, MODIFIED], "hello") };
    let server = Scripted::start(vec![short]).await;
    let reply = server.store().await.get(&key(), GetOptions::default()).await.unwrap();
    assert_eq!(reply.head.size, 10);
    let pieces: Result<Vec<Bytes>> = reply.body.try_collect().await;
    assert_eq!(kind(pieces), StoreErrorKind::Offline);
}

#[tokio::test]
async fn a_body_that_is_not_what_its_checksum_says_is_corrupt() {
    // The CRC64NVME of `123456789`.
    let checksum = ("x-amz-checksum-crc64nvme", "rosUhgp5mIg=");
    let rotten = Reply::new("200 OK", &[ETAG, MODIFIED, checksum], "123456780");
    let server = Scripted::start(vec![rotten]).await;
    let reply = server.store().await.get(&key(), GetOptions::default()).await.unwrap();
    assert_eq!(reply.head.crc64nvme, Some(0xae8b_1486_0a79_9888));
    let pieces: Result<Vec<Bytes>> = reply.body.try_collect().await;
    assert_eq!(kind(pieces), StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn a_range_that_is_not_the_one_asked_for_is_refused() {
    let options = GetOptions { range: Some(2..5), ..GetOptions::default() };
    let rows = [
        (Reply::new("200 OK", &[ETAG, MODIFIED], "hello"), StoreErrorKind::Unsupported),
        (
            Reply::new("206 Partial Content", &[ETAG, MODIFIED, ("Content-Range", "bytes 0-2/5")], "hel"),
            StoreErrorKind::Corrupt,
        ),
    ];
    for (reply, expected) in rows {
        let server = Scripted::start(vec![reply]).await;
        assert_eq!(kind(server.store().await.get(&key(), options.clone()).await), expected);
    }
}

#[tokio::test]
async fn only_tags_that_are_surely_md5s_are_called_so() {
    let rows: [(&[(&str, &str)], bool); 5] = [
        (&[], true),
        (&[("x-amz-server-side-encryption", "AES256")], true),
        (&[("x-amz-server-side-encryption", "aws:kms")], false),
        (&[("x-amz-server-side-encryption-customer-algorithm", "AES256")], false),
        (&[("x-amz-mp-parts-count", "2")], false),
    ];
    for (more, expected) in rows {
        let headers: Vec<(&str, &str)> = [ETAG, MODIFIED].iter().chain(more).copied().collect();
        let server = Scripted::start(vec![Reply::new("200 OK", &headers, "hello")]).await;
        let head = server.store().await.head(&key(), None).await.unwrap();
        assert_eq!(head.etag_is_md5, expected, "{more:?}");
    }
}

#[tokio::test]
async fn the_bound_of_a_write_is_after_the_date_of_its_reply() {
    let date = ("Date", "Wed, 21 Oct 2015 07:28:00 GMT");
    let server = Scripted::start(vec![Reply::new("200 OK", &[ETAG, date], "")]).await;
    let attributes = ObjectAttributes::default();
    let put = server.store().await.put(&key(), Bytes::new(), 0, &attributes, &Condition::None).await;
    assert_eq!(put.unwrap().not_after, UnixMillis(1_445_412_481_000));
}

#[tokio::test]
async fn requests_are_spelled_as_the_capabilities_say() {
    let old_ceph = Capabilities { etag_form: ETagForm::Unquoted, crc64nvme: false, ..Capabilities::FULL };
    let cloudflare = Capabilities {
        copy_if_match: CopyCondition::Cloudflare,
        copy_if_none_match: CopyCondition::Cloudflare,
        ..Capabilities::FULL
    };
    let rows = [
        (Capabilities::FULL, ["if-match: \"e\"\r\n", "x-amz-checksum-crc64nvme: ", "if-match: \"e\"\r\n"]),
        (old_ceph, ["if-match: e\r\n", "x-amz-content-sha256: e3b0c44298fc1c149afbf4", "if-match: e\r\n"]),
        (cloudflare, ["if-match: \"e\"\r\n", "", "cf-copy-destination-if-match: \"e\"\r\n"]),
    ];
    for (capabilities, [in_put, also_in_put, in_copy]) in rows {
        let result = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";
        let put = Reply::new("200 OK", &[ETAG], "");
        let server = Scripted::start(vec![put, Reply::new("200 OK", &[], result)]).await;
        let store = server.store().await.with_capabilities(capabilities);
        let matching = Condition::Match(ETag::new("e"));
        let attributes = ObjectAttributes {
            metadata: Metadata { mtime_ns: Some(1_500_000_000), executable: true, ..Metadata::default() },
            content_type: Some("text/plain".into()),
        };
        store.put(&key(), Bytes::new(), 0, &attributes, &matching).await.unwrap();
        let copy = CopyRequest {
            source: key(),
            source_version: None,
            source_if_match: None,
            destination: key(),
            condition: matching,
            attributes: Some(attributes),
        };
        store.copy(&copy).await.unwrap();
        let asked = server.asked();
        for head in &asked {
            for header in
                ["x-amz-meta-mtime: 1.5\r\n", "x-amz-meta-s4-mode: 755\r\n", "content-type: text/plain"]
            {
                assert!(head.contains(header), "{header} in {head}");
            }
        }
        assert!(asked[0].contains(in_put) && asked[0].contains(also_in_put), "{}", asked[0]);
        assert!(asked[1].contains(in_copy), "{}", asked[1]);
        assert!(asked[1].contains("x-amz-copy-source: bucket/a%20key\r\n"), "{}", asked[1]);
        assert!(asked[1].contains("x-amz-metadata-directive: replace\r\n"), "{}", asked[1]);
    }
}

#[tokio::test]
async fn conditions_that_are_not_honoured_are_not_sent() {
    let server = Scripted::start(vec![Reply::new("200 OK", &[ETAG], "")]).await;
    let store = server.store().await.with_capabilities(Capabilities::NONE);
    let attributes = ObjectAttributes::default();
    store.put(&key(), Bytes::new(), 0, &attributes, &Condition::Absent).await.unwrap();
    assert!(!server.asked()[0].contains("if-none-match"));
}

#[tokio::test]
async fn nobody_there_is_offline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let connection = Connection {
        endpoint: Some(endpoint),
        region: Some("us-east-1".into()),
        ..Connection::new("bucket", CredentialSource::Anonymous)
    };
    let store = AwsStore::connect(connection).await.unwrap();
    assert_eq!(kind(store.check_bucket().await), StoreErrorKind::Offline);
}

#[tokio::test]
async fn a_delete_without_a_condition_is_not_repeated_when_it_may_have_been_carried_out() {
    let key = ObjectKey::new("a");
    let failed = || Reply::refusal("500 Internal Server Error", "InternalError");
    let busy = || Reply::refusal("503 Slow Down", "SlowDown");
    let done = || Reply::new("204 No Content", &[], "");
    let condition = || Condition::Match(ETag::new("e"));
    for (first, condition, requests) in
        [(failed(), Condition::None, 1), (failed(), condition(), 2), (busy(), Condition::None, 2)]
    {
        let server = Scripted::start(vec![first, done()]).await;
        let outcome = server.store().await.delete(&key, &condition).await;
        assert_eq!(server.asked().len(), requests, "{condition:?}: {outcome:?}");
        assert_eq!(outcome.is_ok(), requests == 2, "{condition:?}: {outcome:?}");
    }
}
