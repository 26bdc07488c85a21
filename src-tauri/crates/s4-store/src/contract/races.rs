//! Many writers at once.

use futures::future::join_all;

use super::{Terms, content, put};
use crate::error::StoreErrorKind;
use crate::store::{Condition, Store};

const WRITERS: usize = 20;

/// Of many writers with one condition exactly one wins; the others are told so.
pub async fn one_of_many_writers_wins(store: &dyn Store, terms: &Terms) {
    let key = terms.key("races/key");
    if terms.capabilities.put_if_none_match {
        race(store, terms, &Condition::Absent).await;
    }
    if terms.capabilities.put_if_match {
        store.delete(&key, &Condition::None).await.unwrap();
        let written = put(store, &key, b"before", &Condition::None).await.unwrap();
        race(store, terms, &Condition::Match(written.etag)).await;
    }
}

async fn race(store: &dyn Store, terms: &Terms, condition: &Condition) {
    let key = terms.key("races/key");
    let key = &key;
    let write = |number: usize| async move {
        let body = format!("writer {number}");
        loop {
            match put(store, key, body.as_bytes(), condition).await {
                Ok(_) => return Some(body),
                Err(error) if error.kind == StoreErrorKind::PreconditionFailed => return None,
                // Another request was under way: the same one again.
                Err(error) if error.kind == StoreErrorKind::Conflict => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    let winners: Vec<String> = join_all((0..WRITERS).map(write)).await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{condition:?}: {winners:?}");
    assert_eq!(content(store, key).await, winners[0].as_bytes());
}
