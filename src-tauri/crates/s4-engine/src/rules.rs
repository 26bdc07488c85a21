//! Reads the rules of one cycle: once, before anything is scanned.
//!
//! - A file of rules that cannot be read halts the target: without it, what must stay private might be uploaded.
//! - On the very first run, rules that only the bucket has count already.

use s4_core::local::LocalEntry;
use s4_core::path::{DiskPath, RelPath};
use s4_core::remote::RemoteTree;
use s4_core::rules::{RULE_FILES, Rules};
use s4_local::error::DiskErrorKind;
use s4_local::folder::Folder;
use s4_local::scan::ScanRules;
use s4_store::store::{GetOptions, Store};

use crate::error::SyncError;
use crate::transfer::body;

/// A file of rules is never longer than this, in bytes; a longer one is no such file.
const MAX_RULE_BYTES: u64 = 1 << 20;

/// The text of one file of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleText {
    name: &'static str,
    text: String,
}

/// Reads the rules that lie in the folder.
pub(crate) fn read_local(folder: &Folder) -> Result<Vec<RuleText>, SyncError> {
    let mut texts = Vec::new();
    for name in RULE_FILES {
        let disk = DiskPath::new(name);
        let unreadable = |why: String| SyncError::RulesUnreadable { file: name.to_owned(), why };
        let fingerprint = match folder.look(&disk).map_err(|error| unreadable(error.to_string()))? {
            None => continue,
            Some(LocalEntry::File(file)) => file.fingerprint,
            Some(_) => return Err(unreadable("it is no plain file".to_owned())),
        };
        if fingerprint.size > MAX_RULE_BYTES {
            return Err(unreadable("it is larger than 1 MiB".to_owned()));
        }
        let text = match read_whole(folder, &disk, &fingerprint) {
            Ok(text) => text,
            Err(error) if error.kind == DiskErrorKind::Missing => continue,
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let text = String::from_utf8(text).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
        texts.push(RuleText { name, text });
    }
    Ok(texts)
}

fn read_whole(
    folder: &Folder,
    disk: &DiskPath,
    fingerprint: &s4_core::local::Fingerprint,
) -> Result<Vec<u8>, s4_local::error::DiskError> {
    let file = folder.open_file(disk, fingerprint)?;
    let mut text = vec![0; usize::try_from(fingerprint.size).unwrap_or(0)];
    let mut filled = 0;
    while filled < text.len() {
        match file.read_at(&mut text[filled..], filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    text.truncate(filled);
    file.unchanged()?;
    Ok(text)
}

/// Reads the rules that only the bucket has.
pub(crate) async fn read_remote(
    store: &dyn Store,
    remote: &RemoteTree,
    local: &[RuleText],
) -> Result<Vec<RuleText>, SyncError> {
    let mut texts = Vec::new();
    for name in RULE_FILES {
        let Ok(path) = RelPath::parse(name) else { continue };
        let Some(object) = remote.objects.get(&path) else { continue };
        if object.size > MAX_RULE_BYTES || local.iter().any(|text| text.name == name) {
            continue;
        }
        let options = GetOptions { if_match: Some(object.etag.clone()), ..GetOptions::default() };
        let reply = store.get(&object.key, options).await?;
        let bytes = body::collect(reply, MAX_RULE_BYTES).await?;
        let text = String::from_utf8(bytes).map_err(|_| SyncError::RulesUnreadable {
            file: object.key.to_string(),
            why: "it is not UTF-8".to_owned(),
        })?;
        texts.push(RuleText { name, text });
    }
    Ok(texts)
}

/// Builds the rules; those of this computer decide last.
pub(crate) fn build(texts: &[RuleText], exclude: &[String]) -> Result<Rules, SyncError> {
    let exclude = exclude.join("\n");
    let files = texts.iter().map(|text| (text.name, text.text.as_str()));
    Ok(Rules::new(files.chain([("the target's `exclude`", exclude.as_str())]))?)
}

/// Rules as a scan asks for them. Directories above were asked for before.
pub(crate) struct Scanning<'a>(pub(crate) &'a Rules);

impl ScanRules for Scanning<'_> {
    fn is_ignored(&self, path: &DiskPath, is_dir: bool) -> bool {
        self.0.is_ignored(path.as_str(), is_dir)
    }
}
