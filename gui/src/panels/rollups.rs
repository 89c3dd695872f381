//! Rollups: the chains of a fleet, the blobs of their L1, fees and prices over time, and one transaction on its way.

mod blobs;
mod chains;
mod follow;
mod series;

use super::users::figure;
use super::{Cx, Panel, nothing};
use crate::export::Exportable;
use crate::format;
use crate::session::Session;
use crate::theme::{Tokens, size};
use eframe::egui::{RichText, Ui};
use sim_core::observe::plot::table::DataTable;
use sim_core::simulation::snapshot::{FleetDetail, FleetView};

/// What of them is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum View {
    /// The rollups that used the most gas.
    #[default]
    Chains,
    /// Blobs of the L1 and their price.
    Blobs,
    /// Fees, queues and prices over time.
    Series,
    /// One transaction or journey.
    Follow,
}

impl View {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Chains, "Chains"),
        (Self::Blobs, "Blobs"),
        (Self::Series, "Fees and prices"),
        (Self::Follow, "Follow one"),
    ];
}

/// The panel.
#[derive(Default)]
pub struct Rollups {
    view: View,
    follow: follow::Follow,
}

/// The fleet that is shown.
fn detail(session: &Session) -> Option<&FleetDetail> {
    session.snapshot().fleet.as_deref()
}

impl Panel for Rollups {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        if cx.session.is_ready() && !cx.session.has_rollups() {
            nothing(ui, tokens, "This scenario has no rollups");
            return;
        }
        let Some(detail) = detail(cx.session).cloned().filter(|_| cx.session.is_ready()) else {
            nothing(ui, tokens, "");
            return;
        };
        ui.horizontal_wrapped(|ui| {
            for (view, name) in View::ALL {
                ui.selectable_value(&mut self.view, view, RichText::new(name).size(size::SMALL));
            }
            choose_fleet(ui, cx.session);
        });
        if self.view != View::Follow {
            figures(ui, tokens, &detail.view);
        }
        ui.add_space(4.0);
        match self.view {
            View::Chains => chains::show(ui, tokens, &detail.view),
            View::Blobs => blobs::show(ui, tokens, &detail.blobs),
            View::Series => series::show(ui, tokens, &detail.view),
            View::Follow => self.follow.show(ui, cx, &detail.view),
        }
    }
}

/// Which fleet, where there are several.
fn choose_fleet(ui: &mut Ui, session: &mut Session) {
    let names: Vec<String> =
        session.plan().map_or_else(Vec::new, |plan| plan.rollups.iter().map(|f| f.name.clone()).collect());
    if names.len() < 2 {
        return;
    }
    ui.separator();
    for (index, name) in (0..).zip(&names) {
        let chosen = session.selection.fleet == index;
        if ui.selectable_label(chosen, RichText::new(name).size(size::SMALL)).clicked() && !chosen {
            (session.selection.fleet, session.selection.followed) = (index, None);
        }
    }
}

fn figures(ui: &mut Ui, tokens: &Tokens, view: &FleetView) {
    let active = format!("{} of {}", format::count(view.active), format::count(view.rollups));
    let posted = format!("{} of {}", format::count(view.batches_posted), format::count(view.batches));
    let shown = [
        ("rollups in use", active),
        ("transactions executed", format::count(view.executed)),
        ("waiting at sequencers", format::count(view.waiting)),
        ("executed, not posted", format::bytes(view.unposted_bytes)),
        ("batches on the L1", posted),
    ];
    ui.columns(shown.len(), |columns| {
        for (column, (label, value)) in columns.iter_mut().zip(&shown) {
            figure(column, tokens, label, value);
        }
    });
}

impl Exportable for Rollups {
    fn stem(&self) -> &'static str {
        match self.view {
            View::Chains => "rollups",
            View::Blobs => "blobs",
            View::Series => "rollups-over-time",
            View::Follow => "transaction",
        }
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let detail = detail(session)?;
        match self.view {
            View::Chains => Some(chains::numbers(&detail.view)),
            View::Blobs => Some(blobs::numbers(&detail.blobs)),
            View::Series => Some(series::numbers(&detail.view)),
            View::Follow => follow::Story::of(&detail.view).as_ref().map(follow::numbers),
        }
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        let detail = detail(session)?;
        match self.view {
            View::Chains => chains::drawing(&detail.view),
            View::Blobs => blobs::drawing(&detail.blobs),
            View::Series => series::drawing(&detail.view),
            View::Follow => follow::Story::of(&detail.view).as_ref().and_then(follow::drawing),
        }
    }
}
