//! Borders are where content puts them: not where pieces end, and not where they were before an edit.

use proptest::prelude::*;

use super::*;

/// Content without repetition, the same for one seed on every machine.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

fn cut(content: &[u8]) -> Chunks {
    let mut chunker = Chunker::new();
    chunker.update(content);
    chunker.finish()
}

fn sizes(chunks: &Chunks) -> Vec<u32> {
    chunks.0.iter().map(|chunk| chunk.size).collect()
}

/// The same borders by the plainest way: one byte after the other.
fn cut_plainly(content: &[u8]) -> Vec<u32> {
    let (mut sizes, mut start, mut gear) = (Vec::new(), 0, 0);
    for (at, byte) in content.iter().enumerate() {
        gear = step(gear, *byte);
        let size = at + 1 - start;
        let odds = if size <= NORMAL { RARE } else { FREQUENT };
        if size == GREATEST || (size >= LEAST && gear < odds) {
            sizes.push(u32::try_from(size).unwrap());
            start = at + 1;
        }
    }
    if start < content.len() {
        sizes.push(u32::try_from(content.len() - start).unwrap());
    }
    sizes
}

/// How many bytes of `new` lie in chunks that `old` has not.
fn fresh(old: &Chunks, new: &Chunks) -> u64 {
    new.0.iter().filter(|chunk| !old.0.contains(chunk)).map(|chunk| u64::from(chunk.size)).sum()
}

#[test]
fn borders_are_what_they_always_were() {
    let chunks = cut(&noise(1, 64 << 20));
    assert_eq!(
        sizes(&chunks),
        [6_772_026, 6_246_786, 7_348_314, 8_584_409, 7_556_351, 8_552_661, 7_747_124, 8_438_950, 5_862_243]
    );
    assert_eq!(GEAR[0], 0xe456_903c_be6a_e59c);
    assert_eq!(GEAR[255], 0x29c4_cf98_4a4d_8574);
}

#[test]
fn nothing_has_no_chunks_and_little_has_one() {
    assert_eq!(cut(b""), Chunks::default());
    let chunks = cut(b"little");
    assert_eq!(chunks.0, [Chunk { size: 6, blake3: *blake3::hash(b"little").as_bytes() }]);
    assert_eq!(chunks.size(), 6);
}

#[test]
fn lanes_find_what_a_plain_loop_finds() {
    for seed in 2..4 {
        let content = noise(seed, (40 << 20) + 12_345);
        assert_eq!(sizes(&cut(&content)), cut_plainly(&content));
    }
}

#[test]
fn each_chunk_is_hashed_by_itself() {
    let content = noise(4, 30 << 20);
    let mut rest = content.as_slice();
    for chunk in &cut(&content).0 {
        let (this, after) = rest.split_at(chunk.size as usize);
        assert_eq!(chunk.blake3, *blake3::hash(this).as_bytes());
        rest = after;
    }
    assert_eq!(rest, b"");
}

#[test]
fn chunks_keep_to_the_least_and_the_greatest_size() {
    let all_alike = vec![0; 70 << 20];
    for content in [noise(5, 120 << 20), all_alike] {
        let sizes = sizes(&cut(&content));
        let (last, others) = sizes.split_last().unwrap();
        assert!(others.iter().all(|size| (LEAST..=GREATEST).contains(&(*size as usize))), "{sizes:?}");
        assert!(*last as usize <= GREATEST, "{sizes:?}");
    }
}

#[test]
fn an_insertion_at_the_front_shifts_nothing() {
    let old = noise(6, 150 << 20);
    let new = [b"twenty-one bytes here".as_slice(), &old].concat();
    let (old, new) = (cut(&old), cut(&new));
    assert!(fresh(&old, &new) <= GREATEST as u64, "{} bytes are new", fresh(&old, &new));
}

#[test]
fn eight_bytes_changed_in_the_middle_touch_two_chunks_at_most() {
    for seed in 7..10 {
        let old = noise(seed, 64 << 20);
        let mut new = old.clone();
        new[32 << 20..][..8].copy_from_slice(b"changed!");
        let (old, new) = (cut(&old), cut(&new));
        assert!(fresh(&old, &new) <= 2 * GREATEST as u64, "{} bytes are new", fresh(&old, &new));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn borders_do_not_depend_on_the_sizes_of_updates(
        pieces in proptest::collection::vec(prop_oneof![1usize..200, 4_000usize..5_000, 60_000usize..3_000_000], 1..40),
    ) {
        let content = noise(20, 24 << 20);
        let mut chunker = Chunker::new();
        let mut rest = content.as_slice();
        for piece in pieces {
            let (this, after) = rest.split_at(piece.min(rest.len()));
            chunker.update(this);
            rest = after;
        }
        chunker.update(rest);
        prop_assert_eq!(chunker.finish(), cut(&content));
    }

    #[test]
    fn an_edit_anywhere_keeps_the_chunks_far_from_it(at in 0usize..(60 << 20), removed in 0usize..5000, added in 0usize..5000) {
        let old = noise(21, 60 << 20);
        let end = (at + removed).min(old.len());
        let new = [&old[..at], &noise(22, added), &old[end..]].concat();
        let (old, new) = (cut(&old), cut(&new));
        prop_assert_eq!(new.size(), old.size() - (end - at) as u64 + added as u64);
        // The chunk of the edit, and those after it until borders fall together again.
        prop_assert!(fresh(&old, &new) <= 3 * GREATEST as u64, "{} bytes are new", fresh(&old, &new));
    }
}
