//! On a terminal S4 asks, as the original did.

use s4_tests::world::World;

#[test]
fn add_asks_in_the_originals_order_and_hides_the_secret() {
    let world = World::new();
    let laptop = world.machine("laptop");
    let access = &world.server.access;
    let folder = format!("{}\n", laptop.folder().display());
    let line = |text: &str| format!("{text}\n");
    let (endpoint, bucket, region) = (line(&access.endpoint), line(&access.bucket), line(&access.region));
    let (key_id, secret) = (line(&access.key_id), line(&access.secret));
    // Without a keyring the keys cannot be kept; what was asked, in which order, and what was shown counts here.
    let run = laptop.s4_on_terminal(
        &["add"],
        &[
            ("folder", &folder),
            ("endpoint", &endpoint),
            ("bucket", &bucket),
            ("path", "asked\n"),
            ("region", &region),
            ("key id", &key_id),
            ("secret", &secret),
            ("name", "asked\n"),
        ],
    );
    run.never_says(&access.secret);
}

/// Makes a conflict, syncs the desktop on a terminal, types an answer, and returns the desktop's contents.
fn answered(answer: &str) -> Vec<String> {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("notes.txt", "theirs\n");
    laptop.sync();
    desktop.write("notes.txt", "ours\n");
    let typed: Vec<(&str, String)> = answer.split(' ').map(|word| ("choice", format!("{word}\n"))).collect();
    let typed: Vec<(&str, &str)> = typed.iter().map(|(question, word)| (*question, word.as_str())).collect();
    desktop.s4_on_terminal(&["sync", "documents"], &typed).says("notes.txt");
    let tree = desktop.tree();
    let mut contents: Vec<String> =
        tree.contents().iter().map(|content| String::from_utf8_lossy(content).trim().to_owned()).collect();
    contents.sort();
    contents
}

#[test]
fn conflict_is_asked_about_with_the_originals_choices_and_both() {
    assert_eq!(answered("1"), ["ours"]);
    assert_eq!(answered("2"), ["theirs"]);
    assert_eq!(answered("b"), ["ours", "theirs"]);
    assert_eq!(answered("X"), ["ours"]);
}

#[test]
fn difference_can_be_seen_before_choosing() {
    assert_eq!(answered("d 2"), ["theirs"]);
}
