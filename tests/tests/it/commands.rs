//! The commands around syncing: what they print, and their short names.

use std::fs;

use s4_tests::world::World;

#[test]
fn version_and_completions_are_printed() {
    let world = World::new();
    let laptop = world.machine("laptop");
    laptop.s4(&["--version"]).exits(0).says("s4 ");
    laptop.s4(&["version"]).exits(0);
    for shell in ["bash", "zsh", "fish"] {
        laptop.s4(&["completions", shell]).exits(0).says("sync");
    }
}

#[test]
fn targets_are_listed_as_the_original_did() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let line = format!("documents: [{} <=> {}]", laptop.folder().display(), world.bucket.uri());
    laptop.s4(&["targets"]).exits(0).says(&line);
    laptop.s4(&["t"]).exits(0).says(&line);
    let verbose = laptop.s4(&["targets", "-v"]).exits(0);
    verbose.says("If-None-Match");
    let json = laptop.s4(&["targets", "--json"]).exits(0).json();
    assert!(json.to_string().contains("documents"), "{json}");
}

#[test]
fn sync_prints_as_the_original_did() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a", "1");
    laptop.write("b", "1");
    let heading = format!("Syncing documents [{} <=> {}]", laptop.folder().display(), world.bucket.uri());
    laptop.sync().says(&heading).says("Creating a");
    laptop.write("a", "2");
    laptop.remove("b");
    laptop.sync().says("Updating a").says("Deleting b");
    laptop.s4(&["s", "documents"]).exits(0);
    laptop.try_sync(&["--json"]).exits(0).json();
}

#[test]
fn sync_without_names_syncs_all_and_the_worst_status_wins() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a", "a");
    let other = world.join("other");
    fs::create_dir(&other).unwrap();
    let access = &world.server.access;
    let (folder, uri) = (other.to_string_lossy().into_owned(), world.bucket.at("other").uri());
    let words = ["add", "other", "--local", &folder, "--remote", &uri, "--endpoint", &access.endpoint];
    laptop.s4(&[&words[..], &["--region", &access.region, "--credentials", "env"]].concat()).exits(0);
    fs::write(other.join("b"), "b").unwrap();
    laptop.s4(&["sync"]).exits(0);
    assert_eq!(world.bucket.paths(), ["a"]);
    assert_eq!(world.bucket.at("other").paths(), ["b"]);
    fs::write(other.join("c"), "c").unwrap();
    laptop.write("second", "so that the folder is no single file");
    laptop.sync();
    laptop.empty_folder();
    laptop.s4(&["sync"]).exits(4);
    assert_eq!(world.bucket.at("other").paths(), ["b", "c"], "one halted target does not stop the others");
}

#[test]
fn ls_shows_both_sides() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("both", "b");
    laptop.write("gone", "g");
    laptop.sync();
    laptop.write("local only", "l");
    world.bucket.put(&[("remote only", b"r")]);
    laptop.s4(&["ls", "documents"]).exits(0).says("both").says("local only").says("remote only");
    laptop.s4(&["ls", "documents", "--all", "--sort-by", "local"]).exits(0);
    let json = laptop.s4(&["ls", "documents", "--json"]).exits(0).json();
    assert!(json.to_string().contains("remote only"), "{json}");
    laptop.tree().is(&[("both", "b"), ("gone", "g"), ("local only", "l")]);
}

#[test]
fn rm_forgets_the_target_and_says_what_stays() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a", "a");
    laptop.sync();
    let run = laptop.s4(&["rm", "documents"]).exits(0);
    run.says(&laptop.folder().to_string_lossy()).says(&world.bucket.uri());
    laptop.s4(&["targets"]).exits(0).never_says("documents");
    laptop.tree().is(&[("a", "a")]);
    assert_eq!(world.bucket.paths(), ["a"]);
}

#[test]
fn diff_shows_both_texts() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("notes", "theirs\n");
    laptop.sync();
    desktop.write("notes", "ours\n");
    desktop.s4(&["diff", "documents", "notes"]).says("theirs").says("ours");
}

#[test]
fn doctor_finds_what_is_wrong() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.s4(&["doctor"]).exits(0).says("documents");
    fs::rename(laptop.folder(), world.join("aside")).unwrap();
    let run = laptop.s4(&["doctor", "documents"]);
    assert_ne!(run.code(), Some(0), "{run}");
    run.says("Documents");
}

#[test]
fn add_probes_and_leaves_nothing_behind() {
    let world = World::new();
    let laptop = world.machine("laptop");
    laptop.add(&world.bucket).says("versioning");
    assert!(world.bucket.all_objects().is_empty(), "{:?}", world.bucket.all_objects().keys());
    assert!(laptop.tree().0.is_empty());
}

#[test]
fn configuration_keeps_what_it_does_not_know() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let text = fs::read_to_string(laptop.sync_conf()).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    document["of the future"] = serde_json::json!({"x": 1});
    document["targets"]["documents"]["colour"] = "green".into();
    fs::write(laptop.sync_conf(), document.to_string()).unwrap();
    laptop.s4(&["edit", "documents", "--exclude", "*.iso"]).exits(0);
    let text = fs::read_to_string(laptop.sync_conf()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["of the future"]["x"], 1);
    assert_eq!(document["targets"]["documents"]["colour"], "green");
}

#[test]
fn serve_stops_cleanly_and_keeps_its_address() {
    let world = World::new();
    let data = world.join("second server");
    let first = s4_tests::server::Server::start(&data);
    let access = first.access.clone();
    first.stop();
    let second = s4_tests::server::Server::start(&data);
    assert_eq!(second.access, access);
}
