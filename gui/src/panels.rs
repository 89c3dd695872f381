//! The panels of the window, one file each.
//!
//! A panel draws one view of the session. It is known by its line in [`REGISTRY`]; where it stands is the
//! layout's business. A panel may change the session and ask for commands; it may not look at other panels:
//! what they share (what is chosen, what is under the pointer) lies in the session.

mod compare;
mod controls;
mod crossover;
mod differences;
mod editor;
mod graph;
mod inspector;
mod map;
mod network;
mod overlay;
mod parts;
mod results;
mod rollups;
mod sweep;
pub mod throughput;
mod tree;
mod users;

use crate::command::Command;
use crate::export::{Exportable, Pictures};
use crate::files::Files;
use crate::notice::Notices;
use crate::results::Results;
use crate::session::Session;
use crate::settings::Settings;
use crate::theme::{Tokens, size};
use eframe::egui::{RichText, Ui};

/// What a panel may see and change.
pub struct Cx<'a> {
    /// The running simulation.
    pub session: &'a mut Session,
    /// Finished result folders.
    pub results: &'a mut Results,
    /// Scenario files.
    pub files: &'a mut Files,
    /// Settings.
    pub settings: &'a mut Settings,
    /// Notifications.
    pub notices: &'a mut Notices,
    /// Commands to run after all panels are drawn.
    pub commands: &'a mut Vec<Command>,
    /// Pictures to take.
    pub pictures: &'a mut Pictures,
    /// Colours.
    pub tokens: &'static Tokens,
}

/// A view of the session, which can leave the window.
pub trait Panel: Exportable {
    /// Draws it into all of `ui`.
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>);
}

/// A kind of panel.
pub struct Registration {
    /// Names it in stored layouts; never changes.
    pub id: &'static str,
    /// Title of its tab.
    pub title: &'static str,
    /// Makes one.
    pub make: fn() -> Box<dyn Panel>,
}

/// All panels. A new one needs its file and a line here (and a place in `layout`, if it is to be seen at
/// first).
pub const REGISTRY: &[Registration] = &[
    Registration { id: "controls", title: "Knobs", make: || Box::<controls::Controls>::default() },
    Registration { id: "map", title: "World", make: || Box::<map::Map>::default() },
    Registration { id: "editor", title: "Scenario", make: || Box::<editor::Editor>::default() },
    Registration { id: "crossover", title: "Wires or EVM?", make: || Box::<crossover::Crossover>::default() },
    Registration { id: "parts", title: "Where the time went", make: || Box::<parts::Parts>::default() },
    Registration { id: "throughput", title: "Throughput", make: || Box::<throughput::Throughput>::default() },
    Registration { id: "users", title: "Confirmation", make: || Box::<users::Users>::default() },
    Registration { id: "graph", title: "Light cone", make: || Box::<graph::Graph>::default() },
    Registration { id: "tree", title: "Tree", make: || Box::<tree::Tree>::default() },
    Registration { id: "network", title: "Network", make: || Box::<network::Network>::default() },
    Registration { id: "rollups", title: "Rollups", make: || Box::<rollups::Rollups>::default() },
    Registration { id: "compare", title: "Side by side", make: || Box::<compare::Compare>::default() },
    Registration {
        id: "overlay",
        title: "Laid over each other",
        make: || Box::<overlay::Overlay>::default(),
    },
    Registration {
        id: "differences",
        title: "Differences",
        make: || Box::<differences::Differences>::default(),
    },
    Registration { id: "results", title: "Results", make: || Box::<results::Results>::default() },
    Registration { id: "sweep", title: "Sweep", make: || Box::<sweep::Sweep>::default() },
    Registration { id: "inspector", title: "Inspector", make: || Box::<inspector::Inspector>::default() },
];

/// The registration of a stored name.
pub fn registered(id: &str) -> Option<&'static Registration> {
    REGISTRY.iter().find(|r| r.id == id)
}

/// Text where a panel has nothing to show yet.
pub fn nothing(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.centered_and_justified(|ui| {
        ui.label(RichText::new(text).size(size::BODY).color(tokens.faint));
    });
}
