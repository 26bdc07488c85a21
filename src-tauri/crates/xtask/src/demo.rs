//! S4's main job on real input: two computers and a bucket, kept the same, with a conflict that loses nothing.
//!
//! - Everything happens below `target/demo`, made fresh for each run: each computer has a home, a configuration and
//!   a folder of its own.
//! - Each step that the story tells is also checked; the first that is not so ends the run.

mod machine;
mod narrator;
mod story;

use anyhow::{Context, Result};

use crate::{
    demo::{machine::Machine, narrator::Narrator, story::Story},
    server::Server,
    setup,
    workspace::Workspace,
};

/// What happens after the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server runs on until Ctrl-C, for the person to try things.
    StayUp,
    /// Everything is stopped.
    Stop,
}

/// Builds `s4` and plays the story.
pub(crate) fn run(workspace: &Workspace, ending: Ending) -> Result<()> {
    let narrator = Narrator::on_stdout();
    narrator.say("Building s4 and looking for what the check needs.");
    setup::for_demo(workspace)?;
    let place = workspace.target().join("demo");
    if place.exists() {
        std::fs::remove_dir_all(&place).with_context(|| format!("can't remove `{}`", place.display()))?;
    }
    let s4 = workspace.build_s4(&place.join("bin"), &[])?;

    let server = Server::start(&s4, &place.join("server"))?;
    let laptop = Machine::new("laptop", &place, &s4, &server.access)?;
    let desktop = Machine::new("desktop", &place, &s4, &server.access)?;
    Story { workspace, narrator: &narrator, server: &server, laptop: &laptop, desktop: &desktop }.play()?;

    if ending == Ending::Stop {
        return server.stop();
    }
    narrator.chapter("Now you");
    narrator.say("The server goes on until Ctrl-C. Change something in either folder:");
    narrator.point_at(laptop.folder());
    narrator.point_at(desktop.folder());
    narrator.say("then bring both up to date, in this order, and once more if both had changed:");
    for machine in [&laptop, &desktop] {
        narrator.show_command(&machine.command_to_paste(&["sync", "documents"]));
    }
    server.wait()
}
