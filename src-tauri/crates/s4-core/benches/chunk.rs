//! How fast contents are cut: the cutting alone, and with the two hashes that a transfer computes in the same read.

use divan::counter::BytesCount;
use s4_core::chunk::Chunker;
use s4_core::digest::Hasher;

const SIZE: usize = 256 << 20;
const PIECE: usize = 1 << 20;

fn main() {
    divan::main();
}

fn noise() -> Vec<u8> {
    let mut bytes = vec![0; SIZE];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

#[divan::bench(sample_count = 10)]
fn chunks(bencher: divan::Bencher) {
    let content = noise();
    bencher.counter(BytesCount::new(SIZE)).bench(|| {
        let mut chunker = Chunker::new();
        content.chunks(PIECE).for_each(|piece| chunker.update(piece));
        chunker.finish()
    });
}

#[divan::bench(sample_count = 10)]
fn chunks_and_digest(bencher: divan::Bencher) {
    let content = noise();
    bencher.counter(BytesCount::new(SIZE)).bench(|| {
        let (mut chunker, mut hasher) = (Chunker::new(), Hasher::without_md5());
        for piece in content.chunks(PIECE) {
            chunker.update(piece);
            hasher.update(piece);
        }
        (chunker.finish(), hasher.finish())
    });
}

#[divan::bench(sample_count = 10)]
fn digest(bencher: divan::Bencher) {
    let content = noise();
    bencher.counter(BytesCount::new(SIZE)).bench(|| {
        let mut hasher = Hasher::without_md5();
        content.chunks(PIECE).for_each(|piece| hasher.update(piece));
        hasher.finish()
    });
}
