use s4_config::{AccessKeys, Endpoint, Secret, TargetName};
use tempfile::tempdir;

use super::*;

fn target() -> Target {
    let uri = "s3://bucket/some/docs".parse().unwrap();
    Target::new(TargetName::new("docs").unwrap(), "/home/u/docs", uri)
}

#[test]
fn settings_take_what_the_target_says() {
    let place = tempdir().unwrap();
    let locations = Locations::at(place.path()).unwrap();
    let mut target = target();
    let defaults = settings(&target, &locations).unwrap();
    assert_eq!((defaults.endpoint.as_str(), defaults.prefix.as_str()), ("aws", "some/docs/"));
    assert_eq!((defaults.policy, defaults.limits), (ConflictPolicy::Ask, DeleteLimits::Default));
    assert!(!defaults.host.is_empty() && !defaults.host.contains('.'));

    target.endpoint_url = Some("http://127.0.0.1:9000/".parse::<Endpoint>().unwrap());
    target.conflicts = Some(ConflictSetting::KeepBoth);
    target.max_delete = Some(MaxDelete::Percent(10));
    let other = settings(&target, &locations).unwrap();
    assert_eq!(other.endpoint, "http://127.0.0.1:9000");
    assert_eq!((other.policy, other.limits), (ConflictPolicy::KeepBoth, DeleteLimits::Percent(10)));

    target.conflicts = Some(ConflictSetting::Merge);
    assert!(matches!(settings(&target, &locations), Err(ConnectError::Merge { .. })));
}

#[test]
fn connection_carries_keys_and_certificates() {
    let place = tempdir().unwrap();
    let mut target = target();
    let source = CredentialSource::Keys(AccessKeys::new("id", Secret::new("hush")));
    let plain = connection(&target, &source).unwrap();
    assert!(!format!("{plain:?}").contains("hush"));
    assert_eq!(plain.bucket, "bucket");
    assert!(plain.ca_bundle.is_none());

    target.ca_bundle = Some(place.path().join("no such file"));
    assert!(matches!(connection(&target, &source), Err(ConnectError::CaBundle { .. })));
}

#[test]
fn what_was_found_out_is_known_again() {
    let place = tempdir().unwrap();
    let locations = Locations::at(place.path()).unwrap();
    let mut target = target();
    assert_eq!(recall::known(&target, &locations), None);
    recall::keep(&target, &locations, &Capabilities::NONE).unwrap();
    assert_eq!(recall::known(&target, &locations), Some(Capabilities::NONE));
    target.capabilities = Some(recall::document(&target, &Capabilities::FULL));
    assert_eq!(recall::known(&target, &locations), Some(Capabilities::FULL), "the target's own word counts");
    target.s3_uri = "s3://other/some/docs".parse().unwrap();
    assert_eq!(recall::known(&target, &locations), None, "another bucket is another matter");
}
