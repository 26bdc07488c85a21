//! What every database does, as tests: each function gets a new memory, and panics with what it saw where a
//! promise is broken.
//!
//! - It is for tests only, of this crate and of others; nothing else calls it.
//! - What must last is looked at through a handle that was opened after it was written.

// Panics are the verdict of a test.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod facts;
mod progress;
mod rows;
mod samples;
mod transfers;

use std::sync::Arc;

pub use self::facts::{
    a_row_settles_the_decision_of_its_path, facts_come_back, facts_go_when_rows_know_or_after_thirty_days,
};
pub use self::progress::{
    deletions_add_up_until_ten_minutes_are_quiet, intents_stay_until_they_are_settled,
    standing_lists_are_replaced, the_log_keeps_the_latest_lines, trash_is_remembered_with_its_time,
};
pub use self::rows::{
    another_binding_voids, many_threads_may_write, rows_are_in_the_order_of_paths,
    rows_come_back_as_they_were, times_are_noted_where_only_a_bound_was_known,
    voiding_keeps_what_is_under_way, who_it_is_stays,
};
pub use self::transfers::{
    chunks_stay_while_a_row_or_a_fact_has_their_content, downloads_stay_until_they_end,
    uploads_stay_until_they_end,
};
use crate::db::StateDb;

/// One memory that can be opened again and again; each handle is dropped before the next is opened.
pub trait Place {
    /// Opens the memory, or makes it.
    fn open(&self) -> Arc<dyn StateDb>;
}

/// Runs the whole suite; each call of `place` gives another, new memory.
pub fn all(place: &dyn Fn() -> Box<dyn Place>) {
    rows_come_back_as_they_were(&*place());
    rows_are_in_the_order_of_paths(&*place());
    times_are_noted_where_only_a_bound_was_known(&*place());
    another_binding_voids(&*place());
    voiding_keeps_what_is_under_way(&*place());
    who_it_is_stays(&*place());
    many_threads_may_write(&*place());
    facts_come_back(&*place());
    facts_go_when_rows_know_or_after_thirty_days(&*place());
    a_row_settles_the_decision_of_its_path(&*place());
    intents_stay_until_they_are_settled(&*place());
    uploads_stay_until_they_end(&*place());
    downloads_stay_until_they_end(&*place());
    chunks_stay_while_a_row_or_a_fact_has_their_content(&*place());
    trash_is_remembered_with_its_time(&*place());
    deletions_add_up_until_ten_minutes_are_quiet(&*place());
    the_log_keeps_the_latest_lines(&*place());
    standing_lists_are_replaced(&*place());
}
