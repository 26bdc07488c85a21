use std::fs;
use std::path::Path;

use bytes::Bytes;
use s4_config::{Locations, TargetName};
use s4_core::capabilities::{Capabilities, CopyCondition, Versioning};
use s4_core::digest::Digest;
use s4_core::path::RelPath;
use s4_store::memory::{MemoryStore, StoreClock};
use s4_store::store::{Condition, GetOptions, ObjectAttributes, Store as _};
use tempfile::{TempDir, tempdir};

use super::*;
use crate::connect;

const NOW: UnixMillis = UnixMillis(1_795_132_800_000);

struct World {
    place: TempDir,
    settings: Settings,
    store: MemoryStore,
}

impl World {
    fn new() -> Self {
        let place = tempdir().unwrap();
        let folder = place.path().join("docs");
        fs::create_dir(&folder).unwrap();
        let uri = "s3://bucket/docs".parse().unwrap();
        let target = s4_config::Target::new(TargetName::new("docs").unwrap(), folder, uri);
        let settings =
            connect::settings(&target, &Locations::at(&place.path().join("conf")).unwrap()).unwrap();
        Self { place, settings, store: MemoryStore::new(Versioning::Off, StoreClock::fixed(NOW)) }
    }

    fn folder(&self) -> &Path {
        &self.settings.folder
    }

    async fn put(&self, key: &str, content: &'static [u8]) {
        let (key, crc) = (s4_core::key::ObjectKey::new(key), Digest::of(content).crc64nvme);
        let attributes = ObjectAttributes::default();
        self.store.put(&key, Bytes::from_static(content), crc, &attributes, &Condition::None).await.unwrap();
    }

    async fn body(&self, key: &str) -> Vec<u8> {
        let key = s4_core::key::ObjectKey::new(key);
        let reply = self.store.get(&key, GetOptions::default()).await.unwrap();
        crate::transfer::body::collect(reply, 1 << 20).await.unwrap()
    }
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

#[tokio::test]
async fn looking_leaves_nothing_behind() {
    let world = World::new();
    fs::create_dir_all(world.folder().join("d")).unwrap();
    fs::write(world.folder().join("d/both"), "12345").unwrap();
    fs::write(world.folder().join("x.log"), "").unwrap();
    fs::write(world.folder().join(".syncignore"), "*.log\n").unwrap();
    world.put("docs/d/both", b"123").await;
    world.put("docs/there", b"1").await;
    world.put("docs/a//b", b"1").await;
    let listing = listing::list(&world.settings, &world.store, &Baseline::default()).await.unwrap();
    let names: Vec<&str> = listing.rows.keys().map(RelPath::as_str).collect();
    assert_eq!(names, [".syncignore", "d/both", "there", "x.log"]);
    let both = &listing.rows[&path("d/both")];
    assert_eq!(both.local.as_ref().unwrap().size, 5);
    assert_eq!(both.remote.as_ref().unwrap().size, 3);
    assert!(listing.rows[&path("x.log")].is_ignored);
    assert!(listing.problems.iter().any(|problem| problem.contains("a//b")), "{:?}", listing.problems);
    assert_eq!(standing(&world.settings).unwrap().conflicts, []);
    assert!(trash::in_folder(&world.settings).unwrap().0.is_empty());
    let mut entries: Vec<_> =
        fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    entries.sort();
    assert_eq!(entries, [".syncignore", "d", "x.log"]);
    assert_eq!(fs::read_dir(world.place.path()).unwrap().count(), 1, "no state anywhere else");
}

#[tokio::test]
async fn contents_of_both_sides_are_told() {
    let world = World::new();
    fs::write(world.folder().join("a"), "ours").unwrap();
    world.put("docs/a", b"theirs").await;
    let known = Baseline::default();
    let local = content::local(&world.settings, &known, &path("a")).unwrap().unwrap();
    let remote = content::remote(&world.settings, &world.store, &known, &path("a")).await.unwrap().unwrap();
    assert_eq!((local.bytes.as_deref(), remote.bytes.as_deref()), (Some(&b"ours"[..]), Some(&b"theirs"[..])));
    assert_eq!(local.digest, Digest::of(b"ours"));
    assert!(content::local(&world.settings, &known, &path("none")).unwrap().is_none());
    assert!(content::remote(&world.settings, &world.store, &known, &path("none")).await.unwrap().is_none());
}

#[cfg(unix)]
#[test]
fn link_is_what_it_points_to() {
    let world = World::new();
    fs::write(world.folder().join("a"), "ours").unwrap();
    std::os::unix::fs::symlink("a", world.folder().join("link")).unwrap();
    let link = content::local(&world.settings, &Baseline::default(), &path("link")).unwrap().unwrap();
    assert_eq!(link.bytes.as_deref(), Some(&b"a"[..]));
}

#[test]
fn what_comes_back_to_the_folder_replaces_nothing() {
    let world = World::new();
    let trashed = |time: u64, content: &str| {
        let place = world.folder().join(format!(".s4/trash/{time}-0/d"));
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("x.txt"), content).unwrap();
    };
    trashed(5, "first");
    trashed(7, "second");
    let (items, problems) = trash::in_folder(&world.settings).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(items.iter().map(trash::id_of).collect::<Vec<_>>(), ["5-0", "7-0"]);
    let back = |index: usize| trash::restore_in_folder(&world.settings, &items[index], NOW);
    assert_eq!(back(1).unwrap().as_str(), "d/x.txt");
    assert_eq!(back(0).unwrap().as_str(), "d/x (restored 2026-11-20).txt");
    assert!(matches!(back(0), Err(trash::RestoreError::Gone)));
    assert_eq!(fs::read_to_string(world.folder().join("d/x.txt")).unwrap(), "second");
    assert_eq!(fs::read_to_string(world.folder().join("d/x (restored 2026-11-20).txt")).unwrap(), "first");
}

#[tokio::test]
async fn what_comes_back_in_the_bucket_replaces_nothing() {
    let puts = Capabilities { put_if_none_match: true, ..Capabilities::NONE };
    let copies = Capabilities { copy_if_none_match: CopyCondition::Standard, ..Capabilities::NONE };
    for capabilities in [Capabilities::FULL, Capabilities::NONE, puts, copies] {
        let world = World::new();
        world.put("docs/.s4/trash/5-me/d/x.txt", b"old").await;
        world.put("docs/d/x.txt", b"new").await;
        let found = trash::in_bucket(&world.settings, &world.store).await.unwrap();
        assert_eq!(found.len(), 1);
        let back =
            trash::restore_in_bucket(&world.settings, &world.store, &capabilities, &found[0], NOW).await;
        assert_eq!(back.unwrap().as_str(), "d/x (restored 2026-11-20).txt", "{capabilities:?}");
        assert_eq!(world.body("docs/d/x.txt").await, b"new");
        assert_eq!(world.body("docs/d/x (restored 2026-11-20).txt").await, b"old");
        assert_eq!(world.body("docs/.s4/trash/5-me/d/x.txt").await, b"old", "the trash keeps its copy");
    }
}
