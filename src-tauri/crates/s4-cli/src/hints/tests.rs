use s4_config::{Config, S3Uri, TargetName};
use s4_store::error::StoreError;

use super::*;

fn at() -> At {
    let uri: S3Uri = "s3://bucket/docs".parse().unwrap();
    At::new("docs", &uri, Some("http://127.0.0.1:9".to_owned()))
}

#[track_caller]
fn check(failure: &Failure, exit: Exit, says: &[&str]) {
    let told = explain(failure);
    assert_eq!(told.exit, exit, "{told:?}");
    let all = format!("{} {}", told.message, told.hint.unwrap_or_default());
    for word in says {
        assert!(all.contains(word), "`{word}` is not in: {all}");
    }
}

#[test]
fn every_failure_of_a_store_names_the_target_and_a_way_out() {
    for (kind, says) in [
        (StoreErrorKind::NoBucket, &["docs", "`bucket`", "--create-bucket"][..]),
        (StoreErrorKind::Credentials, &["docs", "credentials", "s4 edit"]),
        (StoreErrorKind::Denied, &["docs", "s3://bucket/docs", "rights"]),
        (StoreErrorKind::Offline, &["docs", "http://127.0.0.1:9"]),
        (StoreErrorKind::ClockSkew, &["clock"]),
        (StoreErrorKind::WrongRegion { region: Some("eu-west-2".to_owned()) }, &["--region eu-west-2"]),
        (StoreErrorKind::WrongRegion { region: None }, &["--region REGION"]),
        (StoreErrorKind::SlowDown, &["later"]),
        (StoreErrorKind::Other, &["doctor"]),
    ] {
        let error = StoreError::new(kind, "ListObjectsV2", "bucket", "its words");
        check(&at().store(error), Exit::Failed, says);
    }
}

#[test]
fn exit_status_tells_what_kind_of_failure_it_was() {
    let folder = std::path::PathBuf::from("/home/u/docs");
    let locked = LockError::Held { folder: folder.clone(), holder: Some(7) };
    check(&at().sync(locked.into()), Exit::Locked, &["docs", "process 7"]);
    let not_mounted = IdentityError::NotMounted { folder: folder.clone() };
    check(&at().sync(not_mounted.into()), Exit::Halted, &["s4 reset"]);
    check(&at().sync(SyncError::FolderMissing { folder }), Exit::Failed, &["/home/u/docs", "--local"]);
    let rules = SyncError::RulesUnreadable { file: ".syncignore".to_owned(), why: "no".to_owned() };
    check(&at().sync(rules), Exit::Halted, &[".syncignore"]);
    let newer = DbError::Newer { path: "state.db".into(), found: 9, known: 1 };
    check(&at().sync(newer.into()), Exit::Failed, &["newer", "update"]);
}

#[test]
fn wrong_names_are_wrong_usage() {
    let unknown = Config::default().target("nonsense").expect_err("there is none");
    check(&unknown.into(), Exit::Usage, &["nonsense", "s4 add"]);
    let name = TargetName::new(" ").expect_err("it is empty");
    check(&name.into(), Exit::Usage, &["empty"]);
}
