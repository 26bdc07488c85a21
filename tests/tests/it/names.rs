//! Names that disks, buckets and people disagree about.

use s4_tests::{
    machine::{same_tree, settle},
    world::World,
};

#[test]
fn t12_keys_that_climb_out_are_refused() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let evil: [(&str, &[u8]); 6] = [
        ("../evil.txt", b"x"),
        ("a/../../evil2.txt", b"x"),
        ("/etc/evil3.txt", b"x"),
        ("./evil4.txt", b"x"),
        ("..", b"x"),
        ("good.txt", b"good"),
    ];
    world.bucket.put(&evil);
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]).says("evil");
    laptop.tree().is(&[("good.txt", "good")]);
    for name in ["evil.txt", "evil2.txt"] {
        assert!(!laptop.home().join(name).exists(), "{name} was written outside the folder");
    }
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    assert_eq!(world.bucket.objects().len(), evil.len(), "what is refused is not deleted");
}

#[test]
fn t08_doubled_slashes_never_map_to_another_key() {
    let world = World::new();
    let laptop = world.connected("laptop");
    world.bucket.put(&[("a//b", b"double"), ("a/b", b"single")]);
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]).says("a//b");
    laptop.tree().is(&[("a/b", "single")]);
    laptop.remove("a/b");
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    assert_eq!(world.bucket.paths(), ["a//b"]);
}

#[test]
fn t09_markers_of_directories_are_directories() {
    let world = World::new();
    let laptop = world.connected("laptop");
    world.bucket.put(&[
        ("", b""),
        ("dir/", b""),
        ("dir/inside/", b""),
        ("full/", b"content"),
        ("full/a", b"a"),
    ]);
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    let tree = laptop.tree();
    assert!(tree.has("dir/inside"), "{tree:?}");
    assert_eq!(tree.file_paths(), ["full/a"]);
    assert!(world.bucket.objects().contains_key("full/"), "an object that is no marker is left alone");
}

#[test]
fn t10_file_and_directory_of_one_name_both_stand() {
    let world = World::new();
    let laptop = world.connected("laptop");
    world.bucket.put(&[("x", b"file"), ("x/inside", b"inside")]);
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    let tree = laptop.tree();
    assert_eq!(tree.text("x/inside"), "inside");
    let clash = tree.file_paths().into_iter().find(|path| path.starts_with("x (clash ")).map(str::to_owned);
    let clash = clash.unwrap_or_else(|| panic!("no file under a clash name: {tree:?}"));
    assert_eq!(tree.text(&clash), "file");
    assert_eq!(world.bucket.paths(), ["x", "x/inside"], "the bucket is not touched");
    // An edit under the clash name goes to the key it stands for.
    laptop.write(&clash, "edited");
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    assert_eq!(world.bucket.objects()["x"].body, b"edited");
    // When the clash ends the file gets its name back.
    world.bucket.delete(&["x/inside"]);
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    laptop.try_sync(&[]).exits(0);
    laptop.tree().is(&[("x", "edited")]);
}

#[test]
fn t11_prefix_does_not_see_its_neighbour() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let neighbour = world.bucket.at("shared2");
    neighbour.put(&[("a", b"not ours")]);
    laptop.write("b", "b");
    laptop.sync();
    laptop.tree().is(&[("b", "b")]);
    assert_eq!(neighbour.paths(), ["a"]);
}

#[test]
fn t01_one_name_in_two_unicode_forms_is_one_file() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("cafe\u{301}.txt", "decomposed");
    settle(&[&laptop, &desktop]);
    assert_eq!(world.bucket.paths(), ["caf\u{e9}.txt"], "the key is NFC");
    assert!(laptop.tree().has("cafe\u{301}.txt"), "the name on disk stays: {:?}", laptop.tree());
    desktop.write("caf\u{e9}.txt", "edited");
    settle(&[&desktop, &laptop]);
    assert_eq!(laptop.tree().text("cafe\u{301}.txt"), "edited");
    assert_eq!(laptop.tree().file_paths().len(), 1);
}

#[test]
fn t02_both_forms_at_once_are_told_and_left_alone() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("cafe\u{301}.txt", "decomposed");
    laptop.write("caf\u{e9}.txt", "composed");
    laptop.write("good.txt", "good");
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]).says("caf");
    assert_eq!(world.bucket.paths(), ["good.txt"]);
    assert_eq!(laptop.tree().file_paths().len(), 3);
    world.bucket.put(&[("re\u{301}sume\u{301}", b"1"), ("r\u{e9}sum\u{e9}", b"2")]);
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    assert_eq!(laptop.tree().file_paths().len(), 3);
    assert_eq!(world.bucket.paths().len(), 3);
}

#[test]
fn t06_odd_names_arrive_exactly() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    let odd = [
        "new\nline",
        "tab\there",
        "sp  ace ",
        "per%20cent+plus",
        "👩‍👧.txt",
        "'q\"uo`te",
        "back\\slash",
        "a:b*c?<d>|",
    ];
    for name in odd {
        laptop.write(name, name);
    }
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    assert_eq!(tree.file_paths().len(), odd.len());
    world.bucket.holds(&tree);
}

#[test]
fn t06_names_that_are_no_utf8_are_told() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let laptop = world.connected("laptop");
    let name = std::ffi::OsStr::from_bytes(b"latin-\xe9.txt");
    std::fs::write(laptop.folder().join(name), "x").unwrap();
    laptop.write("good.txt", "good");
    laptop.try_sync(&[]).exits(5).says("latin-");
    assert_eq!(world.bucket.paths(), ["good.txt"]);
    assert!(laptop.folder().join(name).exists());
}

#[test]
fn t07_names_that_the_disk_or_the_store_refuse_are_told() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let long_component = "c".repeat(300);
    let deep =
        ["d".repeat(250), "e".repeat(250), "f".repeat(250), "g".repeat(250), "h".repeat(250)].join("/");
    world.bucket.put(&[(&long_component, b"x"), ("good", b"g")]);
    laptop.write(&deep, "deeper than a key may be");
    laptop.try_sync(&[]).exits(5).says("ccc").says("ddd");
    assert_eq!(laptop.tree().text("good"), "g");
    assert!(laptop.path(&deep).exists());
    assert_eq!(world.bucket.paths().len(), 2);
}

#[test]
fn t69_deep_trees_and_full_directories_travel() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write(&format!("{}end", "d/".repeat(200)), "deep");
    for n in 0..300 {
        laptop.write(&format!("full/{n}"), format!("{n}"));
    }
    settle(&[&laptop, &desktop]);
    assert_eq!(same_tree(&[&laptop, &desktop]).file_paths().len(), 301);
}
