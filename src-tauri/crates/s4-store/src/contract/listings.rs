//! Listings, and keys that are hard to spell.

use s4_core::key::{MAX_KEY_BYTES, ObjectKey};
use s4_core::remote::RemoteObject;

use super::{Terms, content, put};
use crate::store::{Condition, CopyRequest, ListFrom, Store};

/// Lists everything below `prefix`, page by page.
async fn listed(store: &dyn Store, prefix: &str, max_keys: Option<u16>) -> Vec<RemoteObject> {
    let mut from = ListFrom::Start;
    let mut objects = Vec::new();
    loop {
        let page = store.list(prefix, from, max_keys).await.unwrap();
        let limit = usize::from(max_keys.unwrap_or(1000));
        assert!(page.objects.len() <= limit, "a page holds no more than was asked for");
        objects.extend(page.objects);
        match page.next {
            Some(token) => from = ListFrom::Token(token),
            None => return objects,
        }
    }
}

fn keys(objects: &[RemoteObject]) -> Vec<&str> {
    objects.iter().map(|object| object.key.as_str()).collect()
}

/// Pages join without gap or repetition, in the order of bytes; what was written last is there at once.
pub async fn listings_are_whole_and_in_order(store: &dyn Store, terms: &Terms) {
    let prefix = format!("{}listings/", terms.prefix);
    assert!(listed(store, &prefix, None).await.is_empty());
    let names = ["a", "a/b", "a b", "a.b", "a0", "B", "b", "é", "\u{10000}", "\u{ff5e}", "z/"];
    let mut expected = Vec::new();
    for name in names {
        let key = ObjectKey::new(format!("{prefix}{name}"));
        expected.push((key.clone(), put(store, &key, name.as_bytes(), &Condition::None).await.unwrap()));
    }
    put(store, &terms.key("listings-beside"), b"", &Condition::None).await.unwrap();
    expected.sort_by(|(left, _), (right, _)| left.cmp(right));
    for max_keys in [None, Some(1), Some(3), Some(11)] {
        let objects = listed(store, &prefix, max_keys).await;
        assert_eq!(objects.len(), expected.len(), "{:?}", keys(&objects));
        for (object, (key, written)) in objects.iter().zip(&expected) {
            assert_eq!(&object.key, key);
            assert_eq!(object.etag, written.etag, "{key}");
            assert_eq!(object.size, (key.as_str().len() - prefix.len()) as u64, "{key}");
            assert!(object.last_modified <= written.not_after, "{key}");
        }
    }
    let middle = expected[4].0.clone();
    let rest = store.list(&prefix, ListFrom::After(middle), None).await.unwrap();
    let after: Vec<&str> = expected[5..].iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys(&rest.objects), after);

    store.delete(&expected[0].0, &Condition::None).await.unwrap();
    assert_eq!(
        listed(store, &prefix, None).await.len(),
        expected.len() - 1,
        "a deleted object is not listed"
    );
}

/// Every key that S3 allows can be written, listed, read, copied from and deleted, and none means another.
pub async fn odd_keys_are_keys(store: &dyn Store, terms: &Terms) {
    let prefix = format!("{}odd/", terms.prefix);
    let longest = "x".repeat(MAX_KEY_BYTES - prefix.len());
    let names = [
        "space and+plus",
        "percent%20%2F%",
        "quote'\"&<>",
        "question?versionId=x#fragment",
        "back\\slash|pipe",
        "tab\tnewline\nreturn\r",
        "\u{1}control\u{7f}",
        "emoji \u{1f600}",
        "cafe\u{301}",
        "caf\u{e9}",
        "a//b",
        "../up",
        "./dot/.",
        "dir/",
        "dir",
        "~tilde:colon;semi=eq@at,comma*star",
        longest.as_str(),
    ];
    let has_control = |name: &str| name.chars().any(char::is_control);
    let names: Vec<&str> =
        names.into_iter().filter(|name| terms.control_characters || !has_control(name)).collect();
    for name in &names {
        let key = ObjectKey::new(format!("{prefix}{name}"));
        put(store, &key, name.as_bytes(), &Condition::Absent).await.unwrap();
    }
    let mut expected: Vec<String> = names.iter().map(|name| format!("{prefix}{name}")).collect();
    expected.sort();
    assert_eq!(keys(&listed(store, &prefix, Some(4)).await), expected);
    let copy = terms.key("odd-copy");
    for name in names {
        let key = ObjectKey::new(format!("{prefix}{name}"));
        assert_eq!(content(store, &key).await, name.as_bytes(), "{name:?}");
        let request = CopyRequest {
            source: key.clone(),
            source_version: None,
            source_if_match: None,
            destination: copy.clone(),
            condition: Condition::None,
            attributes: None,
        };
        store.copy(&request).await.unwrap();
        assert_eq!(content(store, &copy).await, name.as_bytes(), "copied {name:?}");
        store.delete(&key, &Condition::None).await.unwrap();
        expected.retain(|left| left != key.as_str());
        assert_eq!(keys(&listed(store, &prefix, None).await), expected, "deleted {name:?}");
    }
}
