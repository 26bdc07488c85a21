//! A person at a computer who edits at random, and remembers what was saved over what.

use crate::{
    judge::History,
    machine::Machine,
    random::Random,
    tree::{Node, Tree},
};

/// Makes random changes in a folder and records them.
///
/// The folder must be left alone by `s4` while the author acts, so that what a save replaces is what was read.
pub struct Author<'a> {
    name: &'a str,
    machine: &'a Machine,
    random: Random,
    count: u32,
    /// What was done so far.
    pub history: History,
}

impl<'a> Author<'a> {
    /// Returns an author who has done nothing yet.
    pub fn new(name: &'a str, machine: &'a Machine, seed: u64) -> Self {
        Self { name, machine, random: Random::new(seed), count: 0, history: History::default() }
    }

    /// Makes a few changes.
    pub fn act(&mut self) {
        for _ in 0..=self.random.below(5) {
            self.act_once();
        }
    }

    fn act_once(&mut self) {
        let tree = self.machine.tree();
        let files: Vec<&str> = tree.file_paths();
        let picked = self.random.choose(&files).map(|path| (*path).to_owned());
        match (self.random.below(10), picked) {
            // Few deletions, so that there is always something to fight over.
            (0, Some(path)) if files.len() > 6 => {
                self.delete(&tree, &path);
            }
            (1 | 2, Some(path)) => self.rename(&tree, &path),
            (3..=6, Some(path)) => self.save(&tree, &path),
            _ => {
                let path = self.fresh_path();
                self.save(&tree, &path);
            }
        }
    }

    fn save(&mut self, tree: &Tree, path: &str) {
        if stands_in_the_way(tree, path) {
            return;
        }
        self.count += 1;
        let filler = "x".repeat(self.random.below(3000) as usize);
        let content = format!("{} {} {filler} end", self.name, self.count);
        self.machine.write(path, &content);
        self.history.save(content.as_bytes(), tree.0.get(path).and_then(Node::content));
    }

    fn delete(&mut self, tree: &Tree, path: &str) {
        self.machine.remove(path);
        self.history.delete(tree.0[path].content().unwrap_or_default());
    }

    fn rename(&mut self, tree: &Tree, path: &str) {
        let to = self.fresh_path();
        if !tree.has(&to) && !stands_in_the_way(tree, &to) {
            self.machine.rename(path, &to);
        }
    }

    /// Returns one of few names, so that authors meet.
    fn fresh_path(&mut self) -> String {
        let (directory, file) = (self.random.below(4), self.random.below(8));
        if directory == 0 { format!("f{file}.txt") } else { format!("d{directory}/f{file}.txt") }
    }
}

/// Returns whether something else than a file stands at the path, or a file above it.
fn stands_in_the_way(tree: &Tree, path: &str) -> bool {
    let above = path.match_indices('/').map(|(at, _)| &path[..at]);
    tree.0.get(path).is_some_and(|node| node.content().is_none())
        || above.into_iter().any(|above| tree.0.get(above).is_some_and(|node| *node != Node::Directory))
}
