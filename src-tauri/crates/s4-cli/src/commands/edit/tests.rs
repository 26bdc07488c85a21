use s4_config::{Secret, TargetName};

use super::*;
use crate::ask::script::{Nobody, Script};

fn target() -> Target {
    let mut target =
        Target::new(TargetName::new("docs").unwrap(), "/home/u/docs", "s3://bucket/docs".parse().unwrap());
    target.access_key_id = Some("AKID".to_owned());
    target.secret_access_key = Some(Secret::new("hush"));
    target.region_name = Some("eu-west-2".to_owned());
    target
}

#[test]
fn questions_show_what_is_there_but_no_secret() {
    let mut person = Script::new(&["", "", "", "", "", ""]);
    let mut fields = Fields::default();
    let keys = ask_fields(&mut person, &target(), &mut fields).unwrap();
    assert!(keys.is_none() && fields.is_empty());
    let asked = person.asked.join("\n");
    for shown in ["/home/u/docs", "Amazon S3", "s3://bucket/docs", "AKID", "eu-west-2"] {
        assert!(asked.contains(shown), "`{shown}` is not in {asked}");
    }
    assert!(!asked.contains("hush"), "{asked}");
    let order = ["local folder", "endpoint url", "s3 uri", "AWS access key id", "AWS secret", "region name"];
    let places: Vec<_> = order.iter().map(|begin| asked.find(begin).unwrap()).collect();
    assert!(places.is_sorted(), "{asked}");
}

#[test]
fn answers_change_fields() {
    let mut person = Script::new(&["/other", "https://x", "s3://bucket/other", "NEW", "secret", "-"]);
    let mut said = Fields::default();
    let keys = ask_fields(&mut person, &target(), &mut said).unwrap();
    let Some(Keys::Given(given)) = keys else { panic!("keys were given") };
    assert_eq!((given.access_key_id.as_str(), given.secret_access_key.expose()), ("NEW", "secret"));
    let mut after = target();
    fields::apply(&said, &mut after).unwrap();
    assert_eq!(after.s3_uri.to_string(), "s3://bucket/other");
    assert_eq!(after.region_name, None);
    assert!(is_elsewhere(&target(), &after));
}

#[test]
fn what_stays_here_asks_no_store() {
    let mut after = target();
    after.exclude.push("*.iso".to_owned());
    after.local_folder = "/elsewhere".into();
    assert!(!is_elsewhere(&target(), &after));
}

#[test]
fn flags_name_keys_only_if_they_say_so() {
    assert!(keys_of(&Fields::default(), &mut Nobody, &target()).unwrap().is_none());
    let keyring = Fields { credentials: Some(CredentialSetting::Keyring), ..Fields::default() };
    assert!(keys_of(&keyring, &mut Nobody, &target()).unwrap().is_none(), "that moves the ones there are");
    let profile = CredentialSetting::Profile("work".to_owned());
    let other = Fields { credentials: Some(profile.clone()), ..Fields::default() };
    assert!(
        matches!(keys_of(&other, &mut Nobody, &target()).unwrap(), Some(Keys::From(setting)) if setting == profile)
    );
}
