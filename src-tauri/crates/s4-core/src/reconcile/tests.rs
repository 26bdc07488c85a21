//! The planner's tests: tables over tiny named worlds, and properties of random ones.
//!
//! - [`world`] is the model: a disk, a bucket and a baseline, and a notation for them.
//! - [`execute`] carries plans out on the model as an engine would, and refuses a step whose condition does not
//!   hold.
//! - Everything else is rows of data over these two.

mod cells;
mod check;
mod conflicts;
mod directories;
mod edits;
mod execute;
mod focus;
mod guards;
mod model;
mod moves;
mod names;
mod order;
mod planning;
mod properties;
mod rules;
mod sameness;
mod views;
mod world;
