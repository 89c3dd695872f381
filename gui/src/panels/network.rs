//! Who is connected to whom: the chosen node with its peers, or all. Many nodes are drawn by region, and it is
//! said so.

mod around;
mod whole;

use super::{Cx, Panel, nothing};
use crate::export::Exportable;
use crate::session::Session;
use crate::theme::size;
use eframe::egui::{Align, Layout, Rect, Response, RichText, Role, Sense, Ui, WidgetInfo};
use sim_core::observe::plot::table::DataTable;

/// The graph.
#[derive(Default)]
pub struct Network {
    /// All nodes, though one is chosen.
    all: bool,
    whole: Option<whole::Whole>,
}

impl Network {
    /// The node whose peers are shown, if one's are.
    fn centre(&self, session: &Session) -> Option<u32> {
        session.selection.node.filter(|_| !self.all)
    }

    fn prepare(&mut self, session: &Session) {
        let (Some(plan), Some(placement)) = (session.plan(), session.placement()) else { return };
        if self.whole.as_ref().is_none_or(|w| !w.is_of(placement)) {
            self.whole = Some(whole::Whole::new(plan, placement));
        }
    }
}

/// Where it is drawn, and the pointer.
struct Stand {
    rect: Rect,
    response: Response,
}

impl Panel for Network {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        self.prepare(cx.session);
        let Some(whole) = self.whole.as_ref().filter(|_| cx.session.is_ready()) else {
            nothing(ui, tokens, "");
            return;
        };
        let centre = self.centre(cx.session);
        ui.horizontal(|ui| {
            let text = match centre {
                Some(node) => format!("Node {node} and its peers"),
                None => whole.title(),
            };
            ui.label(RichText::new(text).size(size::SMALL).color(tokens.faint));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if cx.session.selection.node.is_some() {
                    for (all, name) in [(true, "all"), (false, "one node")] {
                        ui.selectable_value(&mut self.all, all, RichText::new(name).size(size::SMALL));
                    }
                }
            });
        });
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Who is connected to whom"));
        let stand = Stand { rect, response };
        match centre {
            Some(node) => around::show(ui, cx, &stand, node),
            None => whole.show(ui, cx, &stand),
        }
    }
}

impl Exportable for Network {
    fn stem(&self) -> &'static str {
        "network"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        match self.centre(session) {
            Some(node) => around::numbers(session, node),
            None => self.whole.as_ref()?.numbers(session),
        }
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        match self.centre(session) {
            Some(node) => around::drawing(session, node),
            None => self.whole.as_ref()?.drawing(),
        }
    }
}
