//! What a store can do, and what follows from what it cannot, in words.

use s4_core::capabilities::{Capabilities, CopyCondition, ETagForm, Versioning};

/// One ability, and whether the store has it.
pub(crate) struct Ability {
    /// What it is.
    pub(crate) words: &'static str,
    /// Whether the store has it.
    pub(crate) is_there: bool,
}

/// Returns every ability that matters.
pub(crate) fn abilities(store: &Capabilities) -> Vec<Ability> {
    let ability = |words, is_there| Ability { words, is_there };
    let copies = store.copy_source_if_match
        && store.copy_if_none_match != CopyCondition::None
        && store.copy_if_match != CopyCondition::None;
    vec![
        ability("creates an object only where none stands (If-None-Match)", store.put_if_none_match),
        ability("replaces only the version that was seen (If-Match)", store.put_if_match),
        ability(
            "keeps both conditions for uploads in parts",
            store.complete_if_none_match && store.complete_if_match,
        ),
        ability("deletes only the version that was seen (DELETE with If-Match)", store.delete_if_match),
        ability("copies with conditions, so that renames move no content", copies),
        ability("copies parts of objects (UploadPartCopy)", store.upload_part_copy),
        ability("checks what arrives (CRC64NVME)", store.crc64nvme),
        ability("keeps old versions (versioning)", store.versioning == Versioning::Enabled),
    ]
}

/// Returns what follows from each ability that the store lacks; nothing where it has them all.
pub(crate) fn weaker_guarantees(store: &Capabilities) -> Vec<String> {
    let mut weaker = Vec::new();
    let mut because = |is_so: bool, words: &str| {
        if is_so {
            weaker.push(words.to_owned());
        }
    };
    because(
        !store.put_if_none_match,
        "the store ignores If-None-Match: S4 looks before each new upload instead. When two computers create the \
         same file within that moment, one version replaces the other in the bucket; the computer that wrote it \
         notices, keeps its own and reports a conflict",
    );
    because(
        !store.put_if_match,
        "the store ignores If-Match: S4 looks before it replaces an object instead, and tells by the history in \
         each object's metadata whether an edit of another computer was passed over; that is then a conflict, and \
         no content is lost on the computer that wrote it",
    );
    because(
        !store.delete_if_match,
        "the store ignores If-Match for DELETE: S4 looks right before each deletion instead. An edit made within \
         that moment may be deleted with it; it stays in the trash or among the old versions",
    );
    because(
        !store.complete_if_none_match || !store.complete_if_match,
        "uploads in parts carry no condition here: S4 looks right before it completes one",
    );
    because(
        !store.crc64nvme,
        "the store checks no CRC64NVME: uploads are protected by what the connection and the store's own tags tell",
    );
    because(
        store.needs_trash(),
        "the bucket keeps no old versions: S4 copies what it deletes to `.s4/trash/` in the bucket first. Turning \
         versioning on for the bucket protects against other programs, too",
    );
    weaker
}

/// Returns how the bucket keeps old versions, in a word.
pub(crate) fn versioning(store: &Capabilities) -> &'static str {
    match store.versioning {
        Versioning::Off => "off",
        Versioning::Enabled => "on",
        Versioning::Suspended => "suspended",
    }
}

/// Returns in a sentence what the store can do.
pub(crate) fn summary(store: &Capabilities) -> String {
    let quotes = match store.etag_form {
        ETagForm::Quoted => "",
        ETagForm::Unquoted => ", tags without quotes",
    };
    let conditions = match (store.put_if_none_match && store.put_if_match, store.delete_if_match) {
        (true, true) => "every write and delete is checked by the store",
        (true, false) => "writes are checked by the store, deletes are not",
        (false, _) => "the store does not check all writes",
    };
    format!("{conditions}; versioning is {}{quotes}", versioning(store))
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, abilities, summary, weaker_guarantees};

    #[test]
    fn full_store_has_no_weaker_guarantee() {
        assert!(weaker_guarantees(&Capabilities::FULL).is_empty());
        assert!(abilities(&Capabilities::FULL).iter().all(|ability| ability.is_there));
        assert!(summary(&Capabilities::FULL).contains("versioning is on"));
    }

    #[test]
    fn poor_store_is_told_about_plainly() {
        let weaker = weaker_guarantees(&Capabilities::NONE).join("\n");
        for word in ["If-None-Match", "If-Match", "DELETE", "parts", "CRC64NVME", "versions"] {
            assert!(weaker.contains(word), "{word} in {weaker}");
        }
        assert!(abilities(&Capabilities::NONE).iter().all(|ability| !ability.is_there));
    }
}
