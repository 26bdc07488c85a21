//! A table of replies and what they mean.

use super::*;

fn wrong_region(region: &str) -> StoreErrorKind {
    StoreErrorKind::WrongRegion { region: Some(region.into()) }
}

#[test]
fn status_and_code_decide_what_can_be_done() {
    let rows = [
        (404, "NoSuchKey", StoreErrorKind::Missing),
        (404, "NoSuchUpload", StoreErrorKind::Missing),
        (404, "NoSuchVersion", StoreErrorKind::Missing),
        (404, "NoSuchBucket", StoreErrorKind::NoBucket),
        (404, "", StoreErrorKind::Missing),
        (412, "PreconditionFailed", StoreErrorKind::PreconditionFailed),
        (412, "", StoreErrorKind::PreconditionFailed),
        (409, "ConditionalRequestConflict", StoreErrorKind::Conflict),
        (409, "OperationAborted", StoreErrorKind::Conflict),
        (403, "AccessDenied", StoreErrorKind::Denied),
        (403, "", StoreErrorKind::Denied),
        (403, "SignatureDoesNotMatch", StoreErrorKind::Credentials),
        (403, "InvalidAccessKeyId", StoreErrorKind::Credentials),
        (400, "ExpiredToken", StoreErrorKind::Credentials),
        (403, "RequestTimeTooSkewed", StoreErrorKind::ClockSkew),
        (400, "AuthorizationHeaderMalformed", StoreErrorKind::Credentials),
        (503, "SlowDown", StoreErrorKind::SlowDown),
        (503, "", StoreErrorKind::SlowDown),
        (429, "", StoreErrorKind::SlowDown),
        (500, "InternalError", StoreErrorKind::SlowDown),
        (200, "InternalError", StoreErrorKind::SlowDown),
        (200, "", StoreErrorKind::Offline),
        (302, "", StoreErrorKind::Offline),
        (502, "", StoreErrorKind::Offline),
        (511, "", StoreErrorKind::Offline),
        (400, "BadDigest", StoreErrorKind::Corrupt),
        (400, "XAmzContentSHA256Mismatch", StoreErrorKind::Corrupt),
        (501, "NotImplemented", StoreErrorKind::Unsupported),
        (501, "", StoreErrorKind::Unsupported),
        (405, "MethodNotAllowed", StoreErrorKind::Unsupported),
        (403, "InvalidObjectState", StoreErrorKind::Archived),
        (400, "InvalidArgument", StoreErrorKind::Other),
        (301, "PermanentRedirect", StoreErrorKind::WrongRegion { region: None }),
    ];
    for (status, code, expected) in rows {
        let refusal = Refusal { status, code, other_region: None, hit_delete_marker: false };
        assert_eq!(refusal.kind(), expected, "{status} {code}");
    }
}

#[test]
fn another_region_is_followed_only_where_the_reply_is_about_it() {
    let rows = [
        (301, "PermanentRedirect", wrong_region("eu-west-1")),
        (301, "", wrong_region("eu-west-1")),
        (400, "", wrong_region("eu-west-1")),
        (400, "AuthorizationHeaderMalformed", wrong_region("eu-west-1")),
        (400, "IllegalLocationConstraintException", wrong_region("eu-west-1")),
        (400, "InvalidArgument", StoreErrorKind::Other),
        (403, "", StoreErrorKind::Denied),
        (404, "NoSuchKey", StoreErrorKind::Missing),
    ];
    for (status, code, expected) in rows {
        let other_region = Some("eu-west-1".to_owned());
        let refusal = Refusal { status, code, other_region, hit_delete_marker: false };
        assert_eq!(refusal.kind(), expected, "{status} {code}");
    }
}

#[test]
fn a_delete_marker_is_nothing_that_can_be_read() {
    let refusal =
        Refusal { status: 405, code: "MethodNotAllowed", other_region: None, hit_delete_marker: true };
    assert_eq!(refusal.kind(), StoreErrorKind::Missing);
}
