//! Names that S4 makes: for conflict copies, and for files whose own name cannot stand on a disk.
//!
//! - A conflict name tells date and computer; a conflict of a conflict copy gets no longer chain (T45).
//! - A clash name depends on the key alone, so every run and every computer finds it again.

use crate::context::ConflictStamp;
use crate::key::ObjectKey;
use crate::traits::is_refused_by_windows;

/// The longest name that S4 makes, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Returns `stem (conflict DATE HOST[ n]).ext` for the name of a file; `n` from 1 is left out when 1.
pub fn conflict_name(name: &str, stamp: &ConflictStamp, n: u32) -> String {
    let (stem, extension) = split(&without_conflict_suffix(name));
    let host: String =
        stamp.host.chars().map(|c| if is_refused_by_windows(c) || c == ')' { '_' } else { c }).collect();
    let host = truncate(&host, 64);
    let suffix = match n {
        0 | 1 => format!(" (conflict {} {host})", stamp.date),
        _ => format!(" (conflict {} {host} {n})", stamp.date),
    };
    join(&stem, &suffix, extension)
}

/// How many characters of a hash a clash name bears.
const CLASH_HASH: usize = 8;

/// Returns the names `stem (clash H).ext` for a file whose own name cannot stand on a disk: the first, and those
/// to fall back on where a file of its own has that name.
pub fn clash_names(name: &str, key: &ObjectKey) -> Vec<String> {
    let clean =
        |text: &str| text.chars().map(|c| if is_refused_by_windows(c) { '_' } else { c }).collect::<String>();
    let (stem, extension) = split(name);
    let (stem, extension) = (clean(&stem), extension.map(|text| clean(&text)));
    let hash = blake3::hash(key.as_str().as_bytes()).to_hex();
    let slices = (0..hash.len() / CLASH_HASH).map(|n| &hash.as_str()[n * CLASH_HASH..(n + 1) * CLASH_HASH]);
    slices.map(|slice| join(&stem, &format!(" (clash {slice})"), extension.clone())).collect()
}

/// Returns whether `name` has the form of a clash name; which key it stands for, only trying tells.
pub fn looks_like_clash(name: &str) -> bool {
    // Every file is asked: nearly all are answered without taking the name apart.
    if !name.contains(" (clash ") {
        return false;
    }
    let (stem, _) = split(name);
    let Some(inner) = stem.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (clash ")) else {
        return false;
    };
    inner.1.len() == CLASH_HASH && inner.1.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the name that a conflict copy was made of, or `name` itself.
fn without_conflict_suffix(name: &str) -> String {
    let (stem, extension) = split(name);
    let Some((original, inner)) = stem.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (conflict "))
    else {
        return name.to_owned();
    };
    let is_date = |text: &str| {
        text.len() == 10
            && text.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    let is_ours =
        inner.get(..10).is_some_and(is_date) && inner[10..].starts_with(' ') && !original.is_empty();
    if is_ours { join(original, "", extension) } else { name.to_owned() }
}

/// Splits a name before its last dot; a leading dot begins no extension.
fn split(name: &str) -> (String, Option<String>) {
    match name.rfind('.') {
        Some(dot) if dot > 0 => (name[..dot].to_owned(), Some(name[dot..].to_owned())),
        Some(_) | None => (name.to_owned(), None),
    }
}

/// Joins the parts of a name, shortening the stem where the whole would be too long.
fn join(stem: &str, suffix: &str, extension: Option<String>) -> String {
    let extension = extension.unwrap_or_default();
    let room = MAX_NAME_BYTES.saturating_sub(suffix.len() + extension.len());
    format!("{}{suffix}{extension}", truncate(stem, room))
}

/// Returns the longest beginning of `text` that has at most `bytes` bytes.
fn truncate(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> ConflictStamp {
        ConflictStamp { date: "2026-11-20".to_owned(), host: "lap/top".to_owned() }
    }

    #[test]
    fn t41_t45_conflict_names_tell_date_and_host_and_do_not_grow() {
        let rows = [
            ("a.txt", 1, "a (conflict 2026-11-20 lap_top).txt"),
            ("a.txt", 2, "a (conflict 2026-11-20 lap_top 2).txt"),
            ("a", 1, "a (conflict 2026-11-20 lap_top)"),
            (".bashrc", 1, ".bashrc (conflict 2026-11-20 lap_top)"),
            ("a (conflict 2020-01-01 other 3).txt", 1, "a (conflict 2026-11-20 lap_top).txt"),
            ("a (conflict of interest).txt", 1, "a (conflict of interest) (conflict 2026-11-20 lap_top).txt"),
        ];
        for (name, n, expected) in rows {
            assert_eq!(conflict_name(name, &stamp(), n), expected);
        }
    }

    #[test]
    fn names_never_outgrow_the_disk() {
        let long = format!("{}.txt", "é".repeat(125));
        let name = conflict_name(&long, &stamp(), 1);
        assert!(name.len() <= 255 && name.ends_with("(conflict 2026-11-20 lap_top).txt"));
    }

    #[test]
    fn a_clash_name_depends_on_the_key_alone_and_is_legal_everywhere() {
        let key = ObjectKey::new("p/a:b.txt");
        let name = clash_names("a:b.txt", &key).remove(0);
        assert!(name.starts_with("a_b (clash ") && name.ends_with(").txt"), "{name}");
        assert!(looks_like_clash(&name));
        assert!(!looks_like_clash("a (clash of kings).txt"));
        assert!(!clash_names("a:b.txt", &ObjectKey::new("q/a:b.txt")).contains(&name));
    }
}
