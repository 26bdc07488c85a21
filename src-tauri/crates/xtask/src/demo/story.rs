//! The story, chapter by chapter, each with the check that it is true.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    demo::{machine::Machine, narrator::Narrator},
    server::Server,
    setup::clients::S3_CLIENTS,
    workspace::Workspace,
};

/// Where in the bucket the two folders meet.
const PREFIX: &str = "demo";

/// The people and things of the story.
pub(super) struct Story<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) narrator: &'a Narrator,
    pub(super) server: &'a Server,
    pub(super) laptop: &'a Machine,
    pub(super) desktop: &'a Machine,
}

impl Story<'_> {
    /// Plays the whole story.
    pub(super) fn play(&self) -> Result<()> {
        self.connect()?;
        self.first_sync()?;
        self.edits_on_both_sides()?;
        self.renames_and_deletes()?;
        self.conflict()?;
        self.nothing_left_to_do()
    }

    fn connect(&self) -> Result<()> {
        let access = &self.server.access;
        self.narrator.chapter("A bucket and two computers");
        self.narrator
            .say(&format!("An S3 server runs at {}, with a bucket `{}`.", access.endpoint, access.bucket));
        self.narrator.say("Laptop and desktop each have an empty home, and a folder to keep the same:");
        for machine in [self.laptop, self.desktop] {
            self.narrator.point_at(machine.folder());
        }
        let remote = format!("s3://{}/{PREFIX}", access.bucket);
        for machine in [self.laptop, self.desktop] {
            let folder = machine.folder().display().to_string();
            let mut words = vec!["add", "documents", "--local", &folder, "--remote", &remote];
            words.extend([
                "--endpoint",
                &access.endpoint,
                "--region",
                &access.region,
                "--credentials",
                "env",
            ]);
            self.s4(machine, &words)?;
        }
        Ok(())
    }

    fn first_sync(&self) -> Result<()> {
        self.narrator.chapter("What the laptop has, the desktop gets");
        self.narrator
            .say("On the laptop: notes, a picture, a script that may be run, a link, an empty folder.");
        let laptop = self.laptop;
        laptop.write("notes.txt", "Buy milk.\n")?;
        laptop.write("letters/2024/to the bank.txt", "Dear bank,\n")?;
        laptop.write("letters/2024/to the café.txt", "Chère Zoë, à bientôt!\n")?;
        laptop.write("draft.txt", "A first draft.\n")?;
        laptop.write("old/receipt.txt", "Paid.\n")?;
        laptop.write("pictures/sunset.png", picture_like_bytes())?;
        laptop.write("bin/hello", "#!/bin/sh\necho hello\n")?;
        make_special_files(laptop.folder())?;
        self.sync(laptop)?;
        self.sync(self.desktop)?;
        self.same_everywhere()
    }

    fn edits_on_both_sides(&self) -> Result<()> {
        self.narrator.chapter("Both sides edit");
        self.narrator.say("The laptop adds to its notes while the desktop writes a poem.");
        self.laptop.write("notes.txt", "Buy milk.\nBuy bread.\n")?;
        self.desktop.write("poems/autumn.txt", "Leaves, leaves.\n")?;
        self.sync(self.laptop)?;
        self.sync(self.desktop)?;
        self.sync(self.laptop)?;
        ensure!(self.desktop.read("notes.txt")?.contains("bread"), "the laptop's edit is not on the desktop");
        ensure!(self.laptop.read("poems/autumn.txt")?.contains("Leaves"), "the poem is not on the laptop");
        self.same_everywhere()
    }

    fn renames_and_deletes(&self) -> Result<()> {
        self.narrator.chapter("Renames and deletions travel too");
        self.narrator.say("The desktop gives the draft a name and throws an old receipt away.");
        rename(self.desktop, "draft.txt", "letters/2024/to the editor.txt")?;
        let receipt = self.desktop.folder().join("old/receipt.txt");
        fs::remove_file(&receipt).with_context(|| format!("can't remove `{}`", receipt.display()))?;
        self.sync(self.desktop)?;
        self.sync(self.laptop)?;
        let laptop = self.laptop.folder();
        ensure!(laptop.join("letters/2024/to the editor.txt").exists(), "the new name is not on the laptop");
        ensure!(!laptop.join("draft.txt").exists(), "the old name is still on the laptop");
        ensure!(!laptop.join("old/receipt.txt").exists(), "the receipt is still on the laptop");
        self.same_everywhere()
    }

    fn conflict(&self) -> Result<()> {
        self.narrator.chapter("A conflict loses nothing");
        self.narrator.say("Both rewrite the same line before either has heard of the other.");
        self.laptop.write("notes.txt", "Meet at noon.\n")?;
        self.desktop.write("notes.txt", "Meet at three.\n")?;
        self.sync(self.laptop)?;
        self.s4(self.desktop, &["sync", "documents", "--conflicts", "keep-both"])?;
        self.sync(self.laptop)?;
        self.same_everywhere()?;
        let mut versions = Vec::new();
        for name in names_starting_with(self.laptop.folder(), "notes")? {
            let content = self.laptop.read(&name)?;
            self.narrator.show_output(&format!("{name}: {}", content.trim()));
            versions.push(content);
        }
        versions.sort();
        ensure!(
            versions == ["Meet at noon.\n", "Meet at three.\n"],
            "the two versions of the notes should both be there; found {versions:?}"
        );
        self.narrator.confirm("both versions are on both computers and in the bucket");
        Ok(())
    }

    fn nothing_left_to_do(&self) -> Result<()> {
        self.narrator.chapter("And then nothing");
        self.narrator.say("Once all is the same, a sync changes nothing.");
        let before = self.same(&["--print-versions"])?;
        self.sync(self.laptop)?;
        self.sync(self.desktop)?;
        ensure!(self.same(&["--print-versions"])? == before, "a sync with nothing to do changed the bucket");
        self.narrator.confirm("no object was written or deleted");
        Ok(())
    }

    fn sync(&self, machine: &Machine) -> Result<()> {
        self.s4(machine, &["sync", "documents"])
    }

    fn s4(&self, machine: &Machine, arguments: &[&str]) -> Result<()> {
        self.narrator.show_command(&format!("{}: s4 {}", machine.name, arguments.join(" ")));
        self.narrator.show_output(&machine.s4(arguments)?);
        Ok(())
    }

    /// Compares both folders and the bucket, byte for byte, by a program that shares no code with S4.
    fn same_everywhere(&self) -> Result<()> {
        self.narrator.confirm(self.same(&[])?.trim());
        Ok(())
    }

    fn same(&self, arguments: &[&str]) -> Result<String> {
        let access = &self.server.access;
        let output = Command::new(S3_CLIENTS.python(self.workspace))
            .arg(self.workspace.root().join("tests/python/same.py"))
            .args(["--endpoint", &access.endpoint, "--region", &access.region])
            .args(["--bucket", &access.bucket, "--prefix", PREFIX])
            .args(arguments)
            .args([self.laptop.folder(), self.desktop.folder()])
            .env("AWS_ACCESS_KEY_ID", &access.key_id)
            .env("AWS_SECRET_ACCESS_KEY", &access.secret)
            .stdin(Stdio::null())
            .output()
            .context("can't start tests/python/same.py")?;
        if !output.status.success() {
            bail!("not the same everywhere:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Returns 300,000 bytes that are no text and never repeat within any part of an upload.
fn picture_like_bytes() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    b"\x89PNG\r\n\x1a\n".iter().copied().chain(noise.flatten()).take(300_000).collect()
}

fn make_special_files(folder: &Path) -> Result<()> {
    let empty = folder.join("to sort");
    fs::create_dir(&empty).with_context(|| format!("can't make `{}`", empty.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let (script, link) = (folder.join("bin/hello"), folder.join("latest letter"));
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("can't make `{}` executable", script.display()))?;
        symlink("letters/2024/to the bank.txt", &link)
            .with_context(|| format!("can't make the link `{}`", link.display()))?;
    }
    Ok(())
}

fn rename(machine: &Machine, from: &str, to: &str) -> Result<()> {
    let folder = machine.folder();
    fs::rename(folder.join(from), folder.join(to))
        .with_context(|| format!("can't rename `{from}` to `{to}` on the {}", machine.name))
}

fn names_starting_with(folder: &Path, start: &str) -> Result<Vec<String>> {
    let cant_read = || format!("can't read `{}`", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(cant_read)? {
        let name = entry.with_context(cant_read)?.file_name().to_string_lossy().into_owned();
        if name.starts_with(start) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
