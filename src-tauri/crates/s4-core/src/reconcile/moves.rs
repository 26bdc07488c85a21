//! Renames: which delete and which create are one move, so that no content travels.
//!
//! - A move ends where it began, or at a path whose own content moves on: so files make chains, and cycles (a swap is
//!   the shortest). Chains are steps in order; a cycle is one step.
//! - A move is always a copy, confirmed, and then a delete or another write: whoever carries it out can stop anywhere.

mod actions;
mod cycles;
mod here;
mod there;

pub(super) use actions::{action, waiting};

use super::sides::Sides;
use super::{Case, Input};

/// Turns pairs of verdicts into moves.
pub(super) fn find(input: Input<'_>, sides: &Sides<'_>, cases: &mut [Case<'_>]) {
    here::find(input, cases);
    there::find(input, sides, cases);
}
