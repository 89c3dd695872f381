//! Lightcone's desktop app: watch a block race across the world, turn a knob, see the limit move.
//!
//! - `worker`: the thread that owns the simulation, and the frames it publishes.
//! - `session`: what the window knows of it; `change`: the interventions.
//! - `compare`: runs side by side; `results`: finished result folders; `sweeps`: finished sweeps.
//! - `panels`: the views, one file each, behind one trait; `layout`: where they stand.
//! - `files`: the scenario as text, opened, edited, saved; what is kept for the case of a crash.
//! - `export`, `numbers`: what a panel shows as a file, and as the table beside it.
//! - `app`: the window around them; `command`: everything that can be done, once.
//! - `theme`: all colours and sizes; `paint`, `map`: geometry and many small shapes.
//!
//! Must never be true: that drawing waits for the simulation, that a panel looks into another one, that a
//! colour is written down outside `theme`.

pub mod app;
mod change;
mod command;
mod compare;
mod export;
mod files;
mod format;
mod layout;
mod map;
mod notice;
mod numbers;
mod paint;
mod palette;
mod panels;
mod results;
mod sweeps;
mod session;
mod settings;
mod theme;
mod worker;
