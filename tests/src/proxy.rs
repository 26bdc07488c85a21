//! A proxy before the store: it counts requests, and misbehaves when asked to.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Stdio},
};

use serde_json::{Value, json};

use crate::{process, python, server::Access};

/// A running proxy; killed with the value.
pub struct Proxy {
    process: Child,
    faults: PathBuf,
    log: PathBuf,
    /// How to reach the store through it.
    pub access: Access,
}

/// What the proxy does wrong.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// Conditions never reach the store, as with servers that ignore them.
    IgnoredConditions,
    /// No reply names a checksum, as with stores that keep none.
    NoChecksums,
    /// Every listing holds nothing.
    EmptyListing,
    /// Every listing ends after its first entry, and says that it is whole.
    ShortListing,
    /// Listings break off: the first page comes, the next is refused with 500.
    BrokenListing,
    /// Every listing is refused with 403.
    DeniedListing,
    /// Every request is answered with a web page, as by a hotel's network.
    CaptivePortal,
    /// Every request is refused: the keys have expired.
    ExpiredToken,
    /// Every read of content stops after half of it.
    CutBodies,
    /// Every request is sent to another region.
    OtherRegion,
    /// Every request is refused: the clock is wrong.
    WrongClock,
    /// Every third request is refused: slower, please.
    Busy,
    /// So many uploads are refused: slower, please. Then all is well again. Once for each proxy.
    Storm(usize),
    /// Every third write is carried out, and its reply is lost.
    LostReplies,
    /// Every upload in parts is completed, and the reply is lost.
    LostCompletions,
    /// Requests of this kind (see [`Proxy::counts`]) wait at the door, unanswered, until the fault changes.
    Held(&'static str),
}

impl Proxy {
    /// Starts a proxy before the store, well-behaved at first.
    pub fn start(access: &Access, place: &std::path::Path) -> Self {
        let (faults, log) = (place.join("proxy-faults"), place.join("proxy-log"));
        fs::write(&faults, "{}").and_then(|()| fs::write(&log, "")).expect("files can be written");
        let mut process = python::script("proxy.py", access)
            .arg(&faults)
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python can be started");
        let mut line = String::new();
        let output = process.stdout.take().expect("the output is piped");
        BufReader::new(output).read_line(&mut line).expect("the proxy says where it is");
        let access = Access { endpoint: line.trim().to_owned(), ..access.clone() };
        Self { process, faults, log, access }
    }

    /// Misbehaves so from now on.
    pub fn set(&self, fault: Fault) {
        let next = self.faults.with_extension("next");
        let rules = fault.rules().to_string();
        fs::write(&next, rules).and_then(|()| fs::rename(&next, &self.faults)).expect("files can be written");
    }

    /// Waits until a request is held by [`Fault::Held`].
    pub fn wait_until_held(&self) {
        let held = self.faults.with_extension("held");
        process::until("a request is held", || held.exists());
        fs::remove_file(&held).expect("a file can be removed");
    }

    /// Forgets what was counted.
    pub fn forget(&self) {
        fs::write(&self.log, "")
            .and_then(|()| fs::write(self.bytes_log(), ""))
            .expect("files can be written");
    }

    /// Returns how many bytes of bodies came from the client, and went to it, since [`Proxy::forget`].
    pub fn bytes(&self) -> (u64, u64) {
        let text = fs::read_to_string(self.bytes_log()).expect("the log is there");
        let number = |word: Option<&str>| word.and_then(|word| word.parse().ok()).unwrap_or(0);
        let lines = text.lines().map(|line| {
            let mut words = line.split(' ');
            (number(words.next()), number(words.next()))
        });
        lines.fold((0, 0), |(up, down), (more_up, more_down)| (up + more_up, down + more_down))
    }

    fn bytes_log(&self) -> PathBuf {
        self.log.with_file_name("proxy-log-bytes")
    }

    /// Returns how many requests of each kind came since the start, or since [`Proxy::forget`]: `GET`, `HEAD`, `PUT`,
    /// `POST`, `DELETE`, `COPY`, `LIST`, and `BUCKET` about the bucket itself; those about S4's own objects count as
    /// `.s4`.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for kind in fs::read_to_string(&self.log).expect("the log is there").lines() {
            *counts.entry(kind.to_owned()).or_default() += 1;
        }
        counts
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Neither can fail in a way that matters here: the process has ended or ends now.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Fault {
    fn rules(self) -> Value {
        match self {
            Self::None => json!({}),
            Self::IgnoredConditions => json!({"conditions": "ignored"}),
            Self::NoChecksums => json!({"checksums": "hidden"}),
            Self::EmptyListing => json!({"list": "empty"}),
            Self::ShortListing => json!({"list": "short"}),
            Self::BrokenListing => json!({"list": "broken"}),
            Self::DeniedListing => json!({"list": "denied"}),
            Self::CaptivePortal => json!({"all": "portal"}),
            Self::ExpiredToken => json!({"all": "expired"}),
            Self::CutBodies => json!({"bodies": "cut"}),
            Self::OtherRegion => json!({"all": "other-region"}),
            Self::WrongClock => json!({"all": "wrong-clock"}),
            Self::Busy => json!({"every-third": "busy"}),
            Self::Storm(count) => json!({"storm": count}),
            Self::LostCompletions => json!({"completions": "reply-lost"}),
            Self::LostReplies => json!({"every-third": "reply-lost"}),
            Self::Held(kind) => json!({"hold": kind}),
        }
    }
}
