//! Layouts and descriptions, by tables and by properties.

use proptest::prelude::*;

use super::*;
use crate::remote::ETag;

const MIB: u64 = 1 << 20;

/// Chunks known by a letter; each is as long as its place in the alphabet says, from 5 MiB on.
fn chunks(letters: &str) -> Chunks {
    let chunk = |letter: u8| Chunk { size: (5 << 20) + u32::from(letter), blake3: [letter; 32] };
    Chunks(letters.bytes().map(chunk).collect())
}

/// The spans as text: letters of the base that are copied, and how many new bytes, in units of 5 MiB.
fn told(base: &str, new: &str) -> Vec<String> {
    let mut starts = BTreeMap::new();
    let mut offset = 0;
    for (chunk, letter) in chunks(base).0.iter().zip(base.chars()) {
        starts.insert(offset, letter);
        offset += u64::from(chunk.size);
    }
    let tell = |span: &Span| match span.source {
        Source::New => format!("new {}", span.size / (5 * MIB)),
        Source::Base(from) => {
            let letters = starts.range(from..from + span.size).map(|(_, letter)| letter);
            letters.collect()
        }
    };
    spans(&chunks(base), &chunks(new)).iter().map(tell).collect()
}

#[test]
fn neighbours_are_copied_as_one_and_new_chunks_sent_as_one() {
    let rows: [(&str, &str, &[&str]); 9] = [
        ("abcdef", "abcdef", &["abcdef"]),
        ("abcdef", "abXdef", &["ab", "new 1", "def"]),
        ("abcdef", "XYabcdef", &["new 2", "abcdef"]),
        ("abcdef", "abef", &["ab", "ef"]),
        ("abcdef", "defabc", &["def", "abc"]),
        ("abc", "XYZ", &["new 3"]),
        ("", "ab", &["new 2"]),
        ("abc", "", &[]),
        // Of equal chunks the one that goes on is taken.
        ("axbxc", "xc", &["x", "c"]),
    ];
    for (base, new, expected) in rows {
        assert_eq!(told(base, new), expected, "{base} -> {new}");
    }
    assert_eq!(told("xxxx", "xxxx"), ["xxxx"]);
    assert_eq!(told("axbxc", "bxc"), ["bxc"]);
}

#[test]
fn what_saves_little_is_sent_whole() {
    assert_eq!(parts(&chunks("abcdef"), &chunks("UVWXYZ")), None);
    assert_eq!(parts(&chunks("a"), &chunks("aUVWXYZ")), None);
    assert_eq!(parts(&chunks("abc"), &chunks("")), None);
    assert!(parts(&chunks("ab"), &chunks("abUVWXY")).is_some());
}

#[test]
fn parts_are_what_s3_takes() {
    let base = chunks(&"abcdefgh".repeat(200));
    let new = chunks(&format!("{}UVWXYZUV", "abcdefgh".repeat(200)));
    let parts = parts(&base, &new).unwrap();
    assert!(parts[0].range.end <= 256 * MIB && parts[0].range.end > 250 * MIB);
    for part in &parts {
        let size = part.range.end - part.range.start;
        assert!(size >= 5 * MIB);
        assert!(part.source != Source::New || size <= 16 * MIB, "{part:?}");
    }
    // 1,600 chunks copied, fifty at a time; eight sent, two or three at a time.
    let copied = parts.iter().filter(|part| part.source != Source::New).count();
    assert!((32..=33).contains(&copied), "{parts:?}");
    assert!((3..=4).contains(&(parts.len() - copied)), "{parts:?}");
}

#[test]
fn parts_grow_before_there_are_too_many() {
    let every_other: String = (0..9_000).map(|_| "aUVWX").collect();
    let parts = parts(&chunks("ab"), &chunks(&every_other));
    assert_eq!(parts, None, "even with 32 MiB each there would be 18,000");
    let of_copies = chunks(&"abcdefgh".repeat(70_000));
    let parts = super::parts(&of_copies, &of_copies).unwrap();
    assert_eq!(parts.len(), 70_000 * 8 / 204 + 1, "1 GiB each, and not 256 MiB");
    let fitting: String = (0..4_500).map(|_| "abUVWX").collect();
    let parts = super::parts(&chunks("ab"), &chunks(&fitting)).unwrap();
    assert_eq!(parts.len(), 9_000);
}

fn delta(base: &str, base_size: u64, spans: &[(u64, Option<u64>)]) -> Result<Delta, DeltaError> {
    let span = |(size, from): &(u64, Option<u64>)| Span {
        size: *size,
        source: from.map_or(Source::New, Source::Base),
    };
    Delta::new(ETag::new(base), base_size, 7, spans.iter().map(span).collect())
}

#[test]
fn ranges_must_stay_within_the_base() {
    assert!(delta("e", 100, &[(100, Some(0))]).is_ok());
    assert!(delta("e", 100, &[]).is_ok());
    for spans in [
        &[(101, Some(0))][..],
        &[(1, Some(100))],
        &[(u64::MAX, Some(1))],
        &[(1, Some(u64::MAX))],
        &[(u64::MAX, None), (1, Some(0))],
        &[(0, None)],
    ] {
        assert_eq!(delta("e", 100, spans), Err(DeltaError::Ranges), "{spans:?}");
    }
    let many: Vec<_> = (0..=MAX_RANGES as u64).map(|n| (1, Some(n * 2))).collect();
    assert_eq!(delta("e", 1 << 40, &many), Err(DeltaError::Ranges));
}

#[test]
fn a_document_comes_back_as_it_was_and_no_other_is_read() {
    let delta = delta("e-2", 100, &[(5, None), (50, Some(50)), (50, Some(0)), (1, None)]).unwrap();
    let document = DeltaDocument::from(&delta);
    assert_eq!(Delta::try_from(document.clone()), Ok(delta));
    type Change = fn(&mut DeltaDocument);
    let wrong: [(Change, DeltaError); 6] = [
        (|document| document.version = 2, DeltaError::OtherVersion),
        (|document| document.size = 107, DeltaError::Ranges),
        (|document| document.base_size = 99, DeltaError::Ranges),
        (|document| document.base.clear(), DeltaError::Unreadable),
        (|document| document.crc64nvme = "7".to_owned(), DeltaError::Unreadable),
        (|document| document.crc64nvme = "+000000000000007".to_owned(), DeltaError::Unreadable),
    ];
    for (change, why) in wrong {
        let mut changed = document.clone();
        change(&mut changed);
        assert_eq!(Delta::try_from(changed), Err(why));
    }
}

#[test]
fn chunks_are_known_without_reading_where_ranges_end_at_borders() {
    let (base, new) = (chunks("abcdef"), chunks("XabYZef"));
    let spans = spans(&base, &new);
    let fresh = [chunks("X"), chunks("YZ")];
    assert_eq!(chunks_after(&base, &spans, &fresh), Some(new));
    assert_eq!(chunks_after(&base, &spans, &fresh[..1]), None);
    let inside = [Span { size: 10, source: Source::Base(0) }];
    assert_eq!(chunks_after(&base, &inside, &[]), None);
}

/// Applies a delta to a content; new bytes are taken from `latest`, where they lie.
fn applied(delta: &Delta, base: &[u8], latest: &[u8]) -> Vec<u8> {
    let mut built = Vec::new();
    for span in delta.spans() {
        let from = match span.source {
            Source::New => &latest[built.len()..],
            Source::Base(from) => &base[from as usize..],
        };
        built.extend_from_slice(&from[..span.size as usize]);
    }
    built
}

/// Edits of a content: what is kept of it and what is new.
fn edits(len: usize) -> impl Strategy<Value = Edits> {
    let copied =
        (0..len as u64, 1..40u64).prop_map(move |(from, size)| (size.min(len as u64 - from), Some(from)));
    proptest::collection::vec(prop_oneof![(1..20u64).prop_map(|size| (size, None)), copied], 1..12)
}

/// Ranges: how long, and where in the base if they are not new.
type Edits = Vec<(u64, Option<u64>)>;

/// A content, and two deltas of which the second is onto the first.
fn chain() -> impl Strategy<Value = (Vec<u8>, Edits, Edits)> {
    proptest::collection::vec(any::<u8>(), 1..200).prop_flat_map(|base| {
        edits(base.len()).prop_flat_map(move |first| {
            let middle: u64 = first.iter().map(|(size, _)| size).sum();
            (Just(base.clone()), Just(first), edits(middle as usize))
        })
    })
}

proptest! {
    #[test]
    fn a_chain_builds_what_its_links_build((base, first, second) in chain()) {
        let build = |onto: &[u8], spans: &[(u64, Option<u64>)]| -> Vec<u8> {
            let mut fresh = 100_u8;
            let mut built = Vec::new();
            for (size, from) in spans {
                match from {
                    Some(from) => built.extend_from_slice(&onto[*from as usize..][..*size as usize]),
                    None => built.extend((0..*size).map(|_| { fresh = fresh.wrapping_add(37); fresh })),
                }
            }
            built
        };
        let middle = build(&base, &first);
        let latest = build(&middle, &second);
        let older = delta("base", base.len() as u64, &first).unwrap();
        let newer = delta("middle", middle.len() as u64, &second).unwrap();
        prop_assert_eq!(applied(&newer, &middle, &latest), latest.clone());
        let whole = newer.onto(&older).unwrap();
        prop_assert_eq!(&whole.base, &older.base);
        prop_assert_eq!(applied(&whole, &base, &latest), latest.clone());
        // A link that does not describe the base is refused.
        let other = delta("base", base.len() as u64 + 1, &[(middle.len() as u64 + 1, None)]).unwrap();
        prop_assert_eq!(newer.onto(&other), Err(DeltaError::Ranges));
    }

    #[test]
    fn parts_tile_the_new_content_and_copy_what_is_equal(
        base in proptest::collection::vec(0u8..12, 0..40),
        new in proptest::collection::vec(0u8..12, 0..40),
    ) {
        let list = |kinds: &[u8]| Chunks(
            kinds.iter().map(|kind| Chunk { size: (5 << 20) + u32::from(*kind), blake3: [*kind; 32] }).collect()
        );
        // What the contents are at an offset: the kind of the chunk, and where in it.
        let at = |kinds: &[u8], offset: u64| {
            let mut start = 0;
            for kind in kinds {
                let size = 5 * MIB + u64::from(*kind);
                if offset < start + size {
                    return Some((*kind, offset - start));
                }
                start += size;
            }
            None
        };
        let Some(parts) = parts(&list(&base), &list(&new)) else { return Ok(()) };
        let mut end = 0;
        for part in &parts {
            prop_assert_eq!(part.range.start, end);
            end = part.range.end;
            if let Source::Base(from) = part.source {
                for offset in [0, (part.range.end - part.range.start) / 2, part.range.end - part.range.start - 1] {
                    prop_assert_eq!(at(&base, from + offset), at(&new, part.range.start + offset));
                }
            }
        }
        prop_assert_eq!(end, list(&new).size());
    }
}
