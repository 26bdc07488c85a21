//! Two full sides meet for the first time: what is equal is adopted, and nothing is moved that need not be.

use s4_tests::{
    proxy::{Fault, Proxy},
    random::Random,
    world::World,
};

#[test]
fn thousand_equal_files_are_adopted_without_moving_them() {
    let world = World::new();
    let proxy = Proxy::start(&world.server.access, world.path());
    let mut laptop = world.machine("laptop");
    laptop.use_access(&proxy.access);

    let mut random = Random::new(1000);
    let files: Vec<(String, Vec<u8>)> = (0..990)
        .map(|n| {
            (format!("d{}/f{n}.txt", n % 10), format!("file {n} {}", random.below(1 << 40)).into_bytes())
        })
        .collect();
    let large: Vec<(String, Vec<u8>)> =
        (0..10).map(|n| (format!("large/{n}.bin"), random.bytes((5 << 20) + 100 * n))).collect();
    let named: Vec<(&str, &[u8])> =
        files.iter().map(|(path, body)| (path.as_str(), body.as_slice())).collect();
    world.bucket.put(&named);
    for (path, body) in &large {
        world.bucket.put_in_parts(path, body);
    }
    for (path, body) in files.iter().chain(&large) {
        laptop.write(path, body);
    }
    let before = world.bucket.objects();

    laptop.add(&world.bucket);
    proxy.forget();
    laptop.sync();
    let counts = proxy.counts();
    println!("requests of a first sync of 1,000 equal files: {counts:?}");

    let count = |kind: &str| counts.get(kind).copied().unwrap_or(0);
    assert_eq!(world.bucket.objects(), before, "no object was written");
    assert_eq!(count("PUT") + count("POST") + count("DELETE"), 0, "{counts:?}");
    // The listing's ETags tell what most objects hold; those that came in parts are asked for their checksum.
    assert_eq!((count("GET"), count("HEAD")), (0, large.len()), "{counts:?}");
    proxy.forget();
    laptop.sync();
    assert_eq!(proxy.counts().get("GET"), None, "the second run reads nothing: {:?}", proxy.counts());
    assert_eq!(proxy.counts().get("HEAD"), None, "the second run examines nothing: {:?}", proxy.counts());
}

#[test]
fn objects_without_any_checksum_are_read_once() {
    let world = World::new();
    let proxy = Proxy::start(&world.server.access, world.path());
    let mut laptop = world.machine("laptop");
    laptop.use_access(&proxy.access);
    let (equal, ours) = (Random::new(1).bytes((5 << 20) + 1), Random::new(2).bytes((5 << 20) + 1));
    for (path, body) in [("equal.bin", &equal), ("different.bin", &equal), ("small.txt", &b"small".to_vec())]
    {
        world.bucket.put_in_parts(path, body);
    }
    laptop.write("equal.bin", &equal);
    laptop.write("different.bin", &ours);
    laptop.write("small.txt", "small");
    laptop.add(&world.bucket);
    proxy.set(Fault::NoChecksums);
    proxy.forget();
    // Never adopted by its size alone, never called a conflict before it was read.
    laptop.try_sync(&[]).exits(3).says("different.bin").never_says("equal.bin");
    let counts = proxy.counts();
    assert_eq!((counts.get("GET"), counts.get("PUT")), (Some(&3), None), "{counts:?}");
    proxy.forget();
    laptop.try_sync(&[]).exits(3);
    assert_eq!(proxy.counts().get("GET"), None, "what was read once is remembered: {:?}", proxy.counts());
}

#[test]
fn two_full_sides_become_their_union() {
    let world = World::new();
    world.bucket.put(&[("remote.txt", b"r"), ("both.txt", b"same"), ("d/remote.txt", b"r")]);
    let laptop = world.connected("laptop");
    laptop.write("local.txt", "l");
    laptop.write("both.txt", "same");
    laptop.sync();
    let tree = laptop.tree();
    tree.is(&[("both.txt", "same"), ("d/remote.txt", "r"), ("local.txt", "l"), ("remote.txt", "r")]);
    world.bucket.holds(&tree);
}

#[test]
fn rclone_like_metadata_is_kept() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("page.html", "<p>hello</p>");
    laptop.sync();
    let objects = world.bucket.objects();
    assert!(
        objects["page.html"].content_type.starts_with("text/html"),
        "{}",
        objects["page.html"].content_type
    );
    assert!(objects["page.html"].metadata.contains_key("mtime"), "{:?}", objects["page.html"].metadata);
}
