//! Brings together contents that are received at the same time, so that their MD5s are computed in step.
//! Decides how long one waits for company; never how an MD5 is computed.
//!
//! - A content that is alone, or one of two, never waits; nor does little work.
//! - Whoever finds enough work waiting, or waited long enough, does all of it, the others' too.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::digest::md5::{self, LANES, Md5, State, Work};

/// Fewer than this gain nothing from going in step.
const FEWEST: usize = 3;

/// Less than this is done sooner than others are there.
const LITTLE: usize = 256 * 1024;

/// The longest that a piece of work waits for others: some of them may come over a slow line.
const PATIENCE: Duration = Duration::from_millis(10);

/// The contents that are received at the moment.
#[derive(Default)]
pub(crate) struct Company {
    table: Mutex<Table>,
    changed: Condvar,
}

#[derive(Default)]
struct Table {
    members: usize,
    next: u64,
    waiting: Vec<(u64, Work)>,
    done: HashMap<u64, State>,
}

impl Table {
    fn is_enough(&self) -> bool {
        self.waiting.len() >= self.members.min(LANES)
    }

    fn is_waiting(&self, ticket: u64) -> bool {
        self.waiting.iter().any(|(waiting, _)| *waiting == ticket)
    }
}

/// A content that is being received. Dropping it leaves the others to themselves.
pub(crate) struct Member(Arc<Company>);

impl Company {
    pub(crate) fn join(self: &Arc<Self>) -> Member {
        self.table().members += 1;
        Member(Arc::clone(self))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, table: MutexGuard<'a, Table>, time: Duration) -> MutexGuard<'a, Table> {
        self.changed.wait_timeout(table, time).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Member {
    /// Takes the MD5 over the next bytes, together with the others' or alone. Blocks.
    pub(super) fn update(&self, md5: &mut Md5, chunks: &[Bytes]) {
        let mut work = md5.hand_out(chunks);
        let mut table = self.0.table();
        if table.members < FEWEST || chunks.iter().map(Bytes::len).sum::<usize>() < LITTLE {
            drop(table);
            work.run_alone();
            md5.resume(work.state());
            return;
        }
        let ticket = table.next;
        table.next += 1;
        table.waiting.push((ticket, work));
        if table.is_enough() {
            self.0.changed.notify_all();
        }
        md5.resume(self.outcome(table, ticket));
    }

    fn outcome<'a>(&'a self, mut table: MutexGuard<'a, Table>, ticket: u64) -> State {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(state) = table.done.remove(&ticket) {
                return state;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if !table.is_waiting(ticket) {
                // Someone has taken it, and will say so when it is done.
                table = self.0.wait(table, PATIENCE);
            } else if table.is_enough() || left.is_zero() {
                let (tickets, mut works): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut table.waiting).into_iter().unzip();
                drop(table);
                md5::run_in_step(&mut works);
                table = self.0.table();
                table.done.extend(tickets.into_iter().zip(works.iter().map(Work::state)));
                self.0.changed.notify_all();
            } else {
                table = self.0.wait(table, left);
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut table = self.0.table();
        table.members -= 1;
        if table.is_enough() {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use s3s::crypto::Checksum as _;

    use super::*;

    #[test]
    fn contents_that_come_and_go_get_their_own_md5() {
        let company = Arc::new(Company::default());
        let threads: Vec<_> = (0..12_usize)
            .map(|number| {
                let company = Arc::clone(&company);
                std::thread::spawn(move || {
                    let content: Vec<_> =
                        (0..number * 60_011).map(|at| u8::try_from(at * number % 251).unwrap()).collect();
                    let member = company.join();
                    let mut md5 = Md5::new();
                    for piece in content.chunks(LITTLE + 1) {
                        member.update(
                            &mut md5,
                            &piece.chunks(9_999).map(Bytes::copy_from_slice).collect::<Vec<_>>(),
                        );
                    }
                    drop(member);
                    assert_eq!(md5.finish(), s3s::crypto::Md5::checksum(&content), "{number}");
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let table = company.table();
        assert_eq!((table.members, table.waiting.len(), table.done.len()), (0, 0, 0));
    }

    #[test]
    fn nobody_waits_for_ever_for_one_who_is_silent() {
        let company = Arc::new(Company::default());
        let _silent = [company.join(), company.join(), company.join()];
        let content = vec![1; LITTLE];
        let mut md5 = Md5::new();
        company.join().update(&mut md5, &[Bytes::from(content.clone())]);
        assert_eq!(md5.finish(), s3s::crypto::Md5::checksum(&content));
    }
}
