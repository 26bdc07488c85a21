//! Which targets may stand side by side.

use std::{fs, path::Path};

use s4_config::{
    Config, DirectoryIdentity, NameCase, Overlap, Place, PlaceError, Target, TargetName, check_all,
    check_apart,
};

fn target(name: &str, folder: impl AsRef<Path>, uri: &str) -> Target {
    Target::new(TargetName::new(name).unwrap(), folder.as_ref(), uri.parse().unwrap())
}

/// A place whose folder is on no disk, so that only the values count.
fn place(name: &str, folder: &str, uri: &str) -> Place {
    let target = target(name, folder, uri);
    Place {
        name: target.name.clone(),
        folder: folder.into(),
        directories: Vec::new(),
        is_present: false,
        store: target.store_identity(),
        s3_uri: target.s3_uri,
        allow_same_prefix: false,
    }
}

/// Compares two places from both sides; the answer names both targets.
#[track_caller]
fn check(one: &Place, two: &Place, case: NameCase, expected: Option<&str>) {
    for (candidate, other) in [(one, two), (two, one)] {
        match (check_apart(candidate, std::slice::from_ref(other), case), expected) {
            (Ok(()), None) => {}
            (Err(overlap), Some(variant)) => {
                assert!(format!("{overlap:?}").starts_with(variant), "{overlap:?}, not {variant}");
                let message = overlap.to_string();
                assert!(message.contains("`one`") && message.contains("`two`"), "{message}");
            }
            (found, expected) => panic!("{candidate:?} beside {other:?}: {found:?}, not {expected:?}"),
        }
    }
}

#[track_caller]
fn check_folders(one: &str, two: &str, case: NameCase, expected: Option<&str>) {
    check(&place("one", one, "s3://bucket/one"), &place("two", two, "s3://bucket/two"), case, expected);
}

#[track_caller]
fn check_uris(one: &str, two: &str, expected: Option<&str>) {
    check(&place("one", "/one", one), &place("two", "/two", two), NameCase::Sensitive, expected);
}

#[test]
fn folders_are_beside_each_other() {
    use NameCase::{Insensitive, Sensitive};
    check_folders("/a", "/b", Sensitive, None);
    check_folders("/a/b", "/a/bc", Sensitive, None);
    check_folders("/a", "/a", Sensitive, Some("SameFolder"));
    check_folders("/a", "/a/b/c", Sensitive, Some("NestedFolder"));
    check_folders("/", "/a", Sensitive, Some("NestedFolder"));
    check_folders("/a", "/A", Sensitive, None);
    check_folders("/a", "/A", Insensitive, Some("SameFolder"));
    check_folders("/Bücher", "/BÜCHER/x", Insensitive, Some("NestedFolder"));
}

#[test]
fn prefixes_are_beside_each_other() {
    check_uris("s3://bucket/a", "s3://bucket/b", None);
    check_uris("s3://bucket/a", "s3://bucket/ab", None);
    check_uris("s3://bucket/a", "s3://bucket/A", None);
    check_uris("s3://bucket/a", "s3://other/a", None);
    check_uris("s3://bucket/a", "s3://bucket/a", Some("SamePrefix"));
    check_uris("s3://bucket", "s3://bucket", Some("SamePrefix"));
    check_uris("s3://bucket/a", "s3://bucket/a/b", Some("NestedPrefix"));
    check_uris("s3://bucket", "s3://bucket/a", Some("NestedPrefix"));
}

#[test]
fn an_equal_prefix_can_be_allowed_by_either_target_and_a_nested_one_by_none() {
    let allowing = |place: Place| Place { allow_same_prefix: true, ..place };
    let one = place("one", "/one", "s3://bucket/a");
    let two = place("two", "/two", "s3://bucket/a");
    check(&allowing(one.clone()), &two, NameCase::Sensitive, None);
    let nested = place("two", "/two", "s3://bucket/a/b");
    check(&allowing(one.clone()), &allowing(nested), NameCase::Sensitive, Some("NestedPrefix"));
    let same_folder = place("two", "/one", "s3://bucket/a");
    check(&allowing(one), &allowing(same_folder), NameCase::Sensitive, Some("SameFolder"));
}

#[test]
fn another_store_is_another_place() {
    let at = |name: &str, endpoint: &str| {
        let mut target = target(name, format!("/{name}"), "s3://bucket");
        target.endpoint_url = Some(endpoint.parse().unwrap());
        Place { store: target.store_identity(), ..place(name, &format!("/{name}"), "s3://bucket") }
    };
    let amazon = place("one", "/one", "s3://bucket");
    check(&amazon, &at("two", "http://127.0.0.1:9000"), NameCase::Sensitive, None);
    check(&amazon, &at("two", "https://s3.eu-west-2.amazonaws.com"), NameCase::Sensitive, Some("SamePrefix"));
}

#[test]
fn directories_that_the_disk_knows_as_one_are_one_by_whatever_path() {
    // As through a bind mount, or in a folder that ignores case: the paths have nothing in common.
    let with = |place: Place, directories: &[u64]| Place {
        directories: directories.iter().map(|inode| DirectoryIdentity(1, *inode)).collect(),
        is_present: true,
        ..place
    };
    let one = with(place("one", "/one", "s3://bucket/one"), &[5, 2]);
    let same = with(place("two", "/mnt/x", "s3://bucket/two"), &[5, 7]);
    let inside = with(place("two", "/mnt/x/y", "s3://bucket/two"), &[9, 5, 7]);
    let beside = with(place("two", "/two", "s3://bucket/two"), &[6, 2]);
    check(&one, &same, NameCase::Sensitive, Some("SameFolder"));
    check(&one, &inside, NameCase::Sensitive, Some("NestedFolder"));
    check(&one, &beside, NameCase::Sensitive, None);
    // The first directory that exists above a missing folder is not the folder.
    let missing = Place { is_present: false, ..with(place("two", "/two/x", "s3://bucket/two"), &[2]) };
    check(&one, &missing, NameCase::Sensitive, None);
}

/// Checks a new target against one that is in the configuration, both with folders below a real directory.
#[track_caller]
fn check_on_disk(prepare: impl FnOnce(&Path), known: &str, new: &str, expected: Option<&str>) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("docs/deep")).unwrap();
    prepare(root.path());
    let mut config = Config::default();
    config.put(&target("known", root.path().join(known), "s3://bucket/known")).unwrap();
    let result = check_all(&target("new", root.path().join(new), "s3://bucket/new"), &config);
    match (result, expected) {
        (Ok(()), None) => {}
        (Err(PlaceError::Overlap(overlap)), Some(variant)) if format!("{overlap:?}").starts_with(variant) => {
        }
        (found, expected) => panic!("{new} beside {known}: {found:?}, not {expected:?}"),
    }
}

#[test]
fn folders_are_compared_by_where_they_are() {
    let nothing = |_: &Path| {};
    check_on_disk(nothing, "docs", "music", None);
    check_on_disk(nothing, "docs", "docs", Some("SameFolder"));
    check_on_disk(nothing, "docs", "docs/deep/not/yet", Some("NestedFolder"));
    check_on_disk(nothing, "docs/deep/not/yet", "docs", Some("NestedFolder"));
    check_on_disk(nothing, "not/yet", "not/yet/there", Some("NestedFolder"));
    check_on_disk(nothing, "not/yet", "not/x/../yet", Some("SameFolder"));
    check_on_disk(nothing, "docs", "docs/../music", None);

    #[cfg(unix)]
    {
        let link = |root: &Path| std::os::unix::fs::symlink("docs/deep", root.join("link")).unwrap();
        check_on_disk(link, "docs/deep", "link", Some("SameFolder"));
        check_on_disk(link, "docs", "link", Some("NestedFolder"));
        check_on_disk(link, "docs", "link/not/yet", Some("NestedFolder"));
    }
}

#[test]
fn a_target_is_not_compared_with_itself_and_a_broken_one_is_in_the_way() {
    let mut config = Config::default();
    let own = target("own", "/own", "s3://bucket/own");
    config.put(&own).unwrap();
    check_all(&own, &config).unwrap();

    let broken = Config::parse(br#"{"targets": {"broken": {"local_folder": 5}}}"#).unwrap();
    assert!(matches!(check_all(&own, &broken), Err(PlaceError::Config(_))));
}

#[test]
fn the_message_names_both_targets_and_places() {
    let overlap = check_apart(
        &place("music", "/home/u/docs/music", "s3://bucket/music"),
        &[place("docs", "/home/u/docs", "s3://bucket/docs")],
        NameCase::Sensitive,
    )
    .unwrap_err();
    assert!(matches!(overlap, Overlap::NestedFolder { .. }));
    assert_eq!(
        overlap.to_string(),
        "the folder `/home/u/docs/music` of target `music` lies in `/home/u/docs` of `docs`; choose folders beside \
         each other"
    );
}
