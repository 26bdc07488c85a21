//! When something goes wrong: rules first, then chance.

use std::collections::{BTreeMap, BTreeSet};

use s4_core::key::ObjectKey;
use s4_core::remote::RemoteObject;

use crate::error::StoreErrorKind;
use crate::faulty::fault::{Chances, Fault, Injected, Operation};

/// Lets one fault happen to certain requests.
#[derive(Clone, Debug)]
pub struct Rule {
    operation: Operation,
    subject: Option<String>,
    skip: u32,
    times: Option<u32>,
    fault: Fault,
}

impl Rule {
    /// Returns the rule that every request of this kind meets with `fault`.
    pub fn new(operation: Operation, fault: Fault) -> Self {
        Self { operation, subject: None, skip: 0, times: None, fault }
    }

    /// Only for this key or prefix.
    pub fn of(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    /// Only after the first `count` requests that the rule fits.
    pub fn after(self, count: u32) -> Self {
        Self { skip: count, ..self }
    }

    /// Only so often.
    pub fn times(self, count: u32) -> Self {
        Self { times: Some(count), ..self }
    }

    /// Returns whether the rule decides this request, and counts it.
    fn decides(&mut self, operation: Operation, subject: &str) -> bool {
        if self.operation != operation || self.subject.as_deref().is_some_and(|only| only != subject) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// What was decided for one request.
pub(super) struct Roll {
    pub(super) operation: Operation,
    pub(super) subject: String,
    pub(super) fault: Option<Fault>,
    random: u64,
}

impl Roll {
    /// Returns a number below `bound`, or 0.
    pub(super) fn number(&self, bound: u64) -> u64 {
        self.random.checked_rem(bound).unwrap_or_default()
    }
}

/// A change of the bucket: the key, and what a listing showed of it before.
pub(super) type Change = (ObjectKey, Option<RemoteObject>);

/// Everything that clones of a faulty store share.
pub(super) struct Schedule {
    seed: u64,
    chances: Chances,
    rules: Vec<Rule>,
    denied: Vec<String>,
    ignored: BTreeSet<Operation>,
    asked: BTreeMap<(Operation, String), u64>,
    requests: u64,
    trace: Vec<Injected>,
    changes: Vec<Change>,
}

impl Schedule {
    pub(super) fn new(seed: u64, chances: Chances) -> Self {
        Self {
            seed,
            chances,
            rules: Vec::new(),
            denied: Vec::new(),
            ignored: BTreeSet::new(),
            asked: BTreeMap::new(),
            requests: 0,
            trace: Vec::new(),
            changes: Vec::new(),
        }
    }

    pub(super) fn add_rule(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub(super) fn deny(&mut self, prefix: &str) {
        self.denied.push(prefix.to_owned());
    }

    pub(super) fn ignore_conditions(&mut self, operation: Operation) {
        self.ignored.insert(operation);
    }

    pub(super) fn ignores_conditions(&self, operation: Operation) -> bool {
        self.ignored.contains(&operation)
    }

    pub(super) fn calm(&mut self) {
        self.chances = Chances::NONE;
        self.rules.clear();
        self.denied.clear();
    }

    pub(super) fn trace(&self) -> Vec<Injected> {
        self.trace.clone()
    }

    /// Notes that `key` was changed, perhaps; `before` is what stood there.
    pub(super) fn note_change(&mut self, key: &ObjectKey, before: Option<RemoteObject>) {
        self.changes.push((key.clone(), before));
    }

    /// Returns the latest `count` changes, the oldest first.
    pub(super) fn changes_within(&self, count: usize) -> Vec<Change> {
        self.changes[self.changes.len().saturating_sub(count)..].to_vec()
    }

    /// Decides what happens to the next request.
    pub(super) fn roll(&mut self, operation: Operation, subject: &str) -> Roll {
        let count = self.asked.entry((operation, subject.to_owned())).or_default();
        let random = draw(self.seed, operation.name(), subject, *count);
        *count += 1;
        let fault = self.decide(operation, subject, random);
        if let Some(fault) = &fault {
            self.trace.push(Injected {
                request: self.requests,
                operation,
                subject: subject.to_owned(),
                fault: fault.clone(),
            });
        }
        self.requests += 1;
        Roll { operation, subject: subject.to_owned(), fault, random: mix(random) }
    }

    fn decide(&mut self, operation: Operation, subject: &str, random: u64) -> Option<Fault> {
        if self.denied.iter().any(|prefix| subject.starts_with(prefix.as_str())) {
            return Some(Fault::Refused(StoreErrorKind::Denied));
        }
        if let Some(rule) = self.rules.iter_mut().find_map(|rule| {
            // Every rule that fits counts the request only until one decides it.
            rule.decides(operation, subject).then_some(&*rule)
        }) {
            return Some(rule.fault.clone());
        }
        let mut drawn = random % 1000;
        for (chance, fault) in self.chances.fitting(operation, random / 1000) {
            match drawn.checked_sub(u64::from(chance)) {
                Some(rest) => drawn = rest,
                None => return Some(fault),
            }
        }
        None
    }
}

/// Returns the number that chance gives to the `count`th request of this kind for this subject.
fn draw(seed: u64, operation: &str, subject: &str, count: u64) -> u64 {
    let text = operation.bytes().chain(std::iter::once(0)).chain(subject.bytes());
    // FNV-1a: the standard library's hasher may change its numbers between versions, and with them every seed.
    let named = text
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    mix(seed ^ mix(named ^ mix(count)))
}

/// Spreads the bits of `number`: the finisher of SplitMix64.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
