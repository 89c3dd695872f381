//! Where the panels stand: tiles that can be dragged, stacked and resized, remembered between starts.

use crate::export::{self, Form};
use crate::numbers::Numbers;
use crate::panels::{Cx, Panel, REGISTRY, registered};
use crate::session::Session;
use crate::theme::{Tokens, size};
use eframe::egui::containers::menu::MenuButton;
use eframe::egui::{
    Button, Color32, Frame, Id, Margin, Panel as Side, Rect, RichText, Role, Stroke, Style, Ui, Visuals,
    WidgetInfo, WidgetText, vec2,
};
use egui_tiles::{
    Behavior, Container, Linear, LinearDir, SimplificationOptions, TabState, Tile, TileId, Tiles, Tree,
    UiResponse,
};
use sim_core::simulation::snapshot::Followed;
use std::collections::{BTreeMap, BTreeSet};

/// Key under which the layout is stored. The number changes when the default does.
pub const KEY: &str = "layout-3";
/// Key under which it is stored which panels show their numbers.
pub const NUMBERS_KEY: &str = "numbers";

/// Panels by name; what they remember lies in the panels.
pub struct Layout {
    tree: Tree<String>,
    /// The one that is not shown: of comparisons, or while one is shown, the other.
    other: Tree<String>,
    comparing: bool,
    panels: BTreeMap<&'static str, Box<dyn Panel>>,
    /// Panels with their numbers beside them.
    with_numbers: BTreeSet<String>,
    numbers: BTreeMap<&'static str, Numbers>,
}

impl Layout {
    /// The default layout, or a stored one; panels that no longer exist are left out.
    pub fn new(stored: Option<Tree<String>>, with_numbers: BTreeSet<String>) -> Self {
        let usable = |tree: &Tree<String>| !tree.is_empty();
        let tree = stored.filter(usable).unwrap_or_else(default_tree);
        let panels = REGISTRY.iter().map(|r| (r.id, (r.make)())).collect();
        Self {
            tree,
            other: comparison_tree(),
            comparing: false,
            panels,
            with_numbers,
            numbers: BTreeMap::new(),
        }
    }

    /// Panels with their numbers beside them: what is stored.
    pub fn with_numbers(&self) -> &BTreeSet<String> {
        &self.with_numbers
    }

    /// Numbers beside all panels, or none where there are some.
    pub fn toggle_all_numbers(&mut self) {
        if std::mem::take(&mut self.with_numbers).is_empty() {
            self.with_numbers = REGISTRY.iter().map(|r| r.id.to_owned()).collect();
        }
    }

    /// The files of all panels in the window in one form: names and contents.
    pub fn documents(&self, session: &Session, form: Form) -> Vec<(String, Vec<u8>)> {
        let shown = REGISTRY.iter().filter(|r| self.tree.tiles.find_pane(&r.id.to_owned()).is_some());
        let panels = shown.filter_map(|r| self.panels.get(r.id));
        panels.filter_map(|panel| export::document(&**panel, session, form)).collect()
    }

    /// What is stored.
    pub fn tree(&self) -> &Tree<String> {
        if self.comparing { &self.other } else { &self.tree }
    }

    /// As it was at first.
    pub fn reset(&mut self) {
        self.tree = if self.comparing { comparison_tree() } else { default_tree() };
    }

    /// Comparisons have panels of their own.
    pub fn compare(&mut self, comparing: bool) {
        if comparing != self.comparing {
            std::mem::swap(&mut self.tree, &mut self.other);
            self.comparing = comparing;
        }
    }

    /// Panels with their titles, and whether they are in the window.
    pub fn list(&self) -> Vec<(&'static str, &'static str, bool)> {
        let shown = |id: &str| self.tree.tiles.find_pane(&id.to_owned()).is_some();
        REGISTRY.iter().map(|r| (r.id, r.title, shown(r.id))).collect()
    }

    /// Puts a panel into the window, or takes it out.
    pub fn toggle(&mut self, id: &str) {
        match self.tree.tiles.find_pane(&id.to_owned()) {
            Some(tile) => {
                self.tree.remove_recursively(tile);
            }
            None => {
                let tile = self.tree.tiles.insert_pane(id.to_owned());
                // Where there is most room: with the map, or the maps.
                let large =
                    ["map", "compare"].iter().find_map(|id| self.tree.tiles.find_pane(&(*id).to_owned()));
                let beside = large.filter(|at| *at != tile).and_then(|at| self.tree.tiles.parent_of(at));
                match beside.or(self.tree.root()) {
                    Some(root) => self.tree.move_tile_to_container(tile, root, usize::MAX, false),
                    None => {
                        self.tree =
                            Tree::new(Id::unique("panels"), tile, std::mem::take(&mut self.tree.tiles))
                    }
                }
            }
        }
    }

    /// Shows a panel, behind others where it was not there.
    pub fn offer(&mut self, id: &str) {
        if self.tree.tiles.find_pane(&id.to_owned()).is_none() {
            self.toggle(id);
        }
    }

    /// Shows a panel, and brings it to the front of its tabs.
    pub fn reveal(&mut self, id: &str) {
        if self.tree.tiles.find_pane(&id.to_owned()).is_none() {
            self.toggle(id);
        }
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if pane == id));
    }

    /// Draws all panels.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let (panels, with_numbers, numbers) = (&mut self.panels, &mut self.with_numbers, &mut self.numbers);
        self.tree.ui(&mut Tiled { panels, with_numbers, numbers, cx }, ui);
    }
}

/// The map and what is beside and below it.
fn default_tree() -> Tree<String> {
    let mut tiles = Tiles::default();
    let mut pane = |id: &str| tiles.insert_pane(id.to_owned());
    let (map, crossover, parts, users) = (pane("map"), pane("crossover"), pane("parts"), pane("users"));
    let (graph, inspector, controls) = (pane("graph"), pane("inspector"), pane("controls"));
    let (editor, throughput) = (pane("editor"), pane("throughput"));
    let (tree, network) = (pane("tree"), pane("network"));
    let main = tiles.insert_tab_tile(vec![map, editor]);
    let below = split(&mut tiles, LinearDir::Horizontal, &[(parts, 1.25), (throughput, 0.75), (users, 1.0)]);
    let centre = split(&mut tiles, LinearDir::Vertical, &[(main, 1.75), (below, 1.0)]);
    let close = tiles.insert_tab_tile(vec![graph, tree, network, inspector]);
    let right = split(&mut tiles, LinearDir::Vertical, &[(crossover, 1.0), (close, 1.0)]);
    let root = split(&mut tiles, LinearDir::Horizontal, &[(controls, 0.5), (centre, 2.0), (right, 1.0)]);
    Tree::new(Id::unique("panels"), root, tiles)
}

/// Maps side by side, plots over each other, numbers.
fn comparison_tree() -> Tree<String> {
    let mut tiles = Tiles::default();
    let mut pane = |id: &str| tiles.insert_pane(id.to_owned());
    let (maps, overlay, numbers) = (pane("compare"), pane("overlay"), pane("differences"));
    let (inspector, graph, parts) = (pane("inspector"), pane("graph"), pane("parts"));
    let close = tiles.insert_tab_tile(vec![inspector, graph, parts]);
    let left = split(&mut tiles, LinearDir::Vertical, &[(maps, 1.7), (overlay, 1.0)]);
    let right = split(&mut tiles, LinearDir::Vertical, &[(numbers, 1.0), (close, 1.2)]);
    let root = split(&mut tiles, LinearDir::Horizontal, &[(left, 2.6), (right, 1.0)]);
    Tree::new(Id::unique("comparison"), root, tiles)
}

fn split(tiles: &mut Tiles<String>, dir: LinearDir, parts: &[(TileId, f32)]) -> TileId {
    let mut linear = Linear::new(dir, parts.iter().map(|(tile, _)| *tile).collect());
    for (tile, share) in parts {
        linear.shares.set_share(*tile, *share);
    }
    tiles.insert_container(Container::Linear(linear))
}

struct Tiled<'a, 'b> {
    panels: &'a mut BTreeMap<&'static str, Box<dyn Panel>>,
    with_numbers: &'a mut BTreeSet<String>,
    numbers: &'a mut BTreeMap<&'static str, Numbers>,
    cx: &'a mut Cx<'b>,
}

/// A number that changes with what the panels show.
fn state_of(session: &Session) -> u64 {
    let hasher = |selection: &crate::session::Selection| {
        let block = selection.block.map_or(0, |b| u64::from(b.slot) << 32 | u64::from(b.proposer));
        let (node, link) = (selection.node.unwrap_or(u32::MAX), selection.link.unwrap_or([u32::MAX; 2]));
        let nodes = selection.nodes.iter().fold(7_u64, |h, n| h.wrapping_mul(31).wrapping_add(u64::from(*n)));
        let followed = match selection.followed {
            None => 0,
            Some(Followed::Tx(tx)) => 1 << 32 | u64::from(tx),
            Some(Followed::Trip(trip)) => 2 << 32 | u64::from(trip),
        };
        let followed = u64::from(selection.fleet) << 40 | followed;
        [block, node.into(), link[0].into(), link[1].into(), nodes, selection.focus as u64, followed]
    };
    let parts = hasher(&session.selection).into_iter().chain([
        session.frame.number,
        session.frame.generation,
        session.lane() as u64,
    ]);
    parts.fold(1469598103934665603, |h, v| (h ^ v).wrapping_mul(1099511628211))
}

impl Tiled<'_, '_> {
    /// The ways out of a panel.
    fn export_menu(&mut self, ui: &mut Ui, id: &'static str, title: &str, rect: Option<Rect>) {
        let text = RichText::new("Save").size(10.0).color(self.cx.tokens.faint);
        let (response, _) =
            MenuButton::from_button(Button::new(text).min_size(vec2(22.0, 18.0))).ui(ui, |ui| {
                ui.set_min_width(150.0);
                for form in Form::ALL {
                    if !ui.button(form.name()).clicked() {
                        continue;
                    }
                    ui.close();
                    let Some(panel) = self.panels.get(id) else { continue };
                    if form == Form::Png {
                        self.cx.pictures.take(format!("{}.png", panel.stem()), rect);
                    } else if let Some((name, bytes)) = export::document(&**panel, self.cx.session, form) {
                        let written = export::write(
                            &export::folder(self.cx.files.document.path.as_deref()),
                            &name,
                            &bytes,
                        );
                        self.cx.notices.written(written.map(|path| path.display().to_string()));
                    } else {
                        self.cx.notices.warning(format!("{title}: there is nothing to write yet"));
                    }
                }
            });
        let name = format!("Export {title}");
        response
            .on_hover_text("Picture, drawing, numbers as files")
            .widget_info(|| WidgetInfo::labeled(Role::Button, true, name.clone()));
    }
}

impl Behavior<String> for Tiled<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut String) -> UiResponse {
        let frame = Frame::new().fill(self.cx.tokens.panel).inner_margin(Margin::same(size::INSET));
        frame.show(ui, |ui| {
            let Some(panel) = self.panels.get_mut(pane.as_str()) else { return };
            let Some(registration) = registered(pane).filter(|r| self.with_numbers.contains(r.id)) else {
                panel.show(ui, self.cx);
                return;
            };
            let numbers = self.numbers.entry(registration.id).or_default();
            let (session, tokens, title) = (&*self.cx.session, self.cx.tokens, registration.title);
            let id = Id::unique(("numbers of", registration.id));
            let room = ui.available_size();
            let frame = Frame::new().inner_margin(Margin { left: 8, ..Margin::ZERO });
            let below = room.x < 1.1 * room.y;
            let side = if below { Side::bottom(id) } else { Side::right(id) };
            let half = if below { room.y } else { room.x } * 0.5;
            side.resizable(true).default_size(half).max_size(half * 1.6).frame(frame).show(ui, |ui| {
                let state = state_of(session);
                numbers.show(ui, tokens, title, state, || panel.numbers(session));
            });
            panel.show(ui, self.cx);
        });
        UiResponse::None
    }

    fn top_bar_right_ui(
        &mut self,
        tiles: &Tiles<String>,
        ui: &mut Ui,
        tile: TileId,
        tabs: &egui_tiles::Tabs,
        _: &mut f32,
    ) {
        let Some(registration) = tabs.active.and_then(|a| tiles.get_pane(&a)).and_then(|p| registered(p))
        else {
            return;
        };
        ui.add_space(4.0);
        self.export_menu(ui, registration.id, registration.title, tiles.rect(tile));
        let shown = self.with_numbers.contains(registration.id);
        let text = RichText::new("123").size(10.0).color(self.cx.tokens.faint);
        let button = Button::selectable(shown, text).min_size(vec2(26.0, 18.0));
        let response = ui.add(button).on_hover_text("The numbers beside the plot (T: beside all)");
        let name = format!("Numbers of {}", registration.title);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, shown, name.clone()));
        if response.clicked() && !self.with_numbers.remove(registration.id) {
            self.with_numbers.insert(registration.id.to_owned());
        }
    }

    fn tab_title_for_pane(&mut self, pane: &String) -> WidgetText {
        registered(pane).map_or("?", |r| r.title).into()
    }

    fn retain_pane(&mut self, pane: &String) -> bool {
        registered(pane).is_some()
    }

    // Panels go and come back through the View menu; four tabs side by side have no room for crosses.
    fn is_tab_closable(&self, _: &Tiles<String>, _: TileId) -> bool {
        false
    }

    fn tab_bar_height(&self, _: &Style) -> f32 {
        26.0
    }

    fn gap_width(&self, _: &Style) -> f32 {
        5.0
    }

    fn min_size(&self) -> f32 {
        110.0
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        tokens(visuals).window
    }

    fn tab_bg_color(&self, visuals: &Visuals, _: &Tiles<String>, _: TileId, state: &TabState) -> Color32 {
        if state.active { tokens(visuals).panel } else { Color32::TRANSPARENT }
    }

    fn tab_text_color(&self, visuals: &Visuals, _: &Tiles<String>, _: TileId, state: &TabState) -> Color32 {
        if state.active { tokens(visuals).ink } else { tokens(visuals).faint }
    }

    fn tab_outline_stroke(&self, _: &Visuals, _: &Tiles<String>, _: TileId, _: &TabState) -> Stroke {
        Stroke::NONE
    }

    fn tab_bar_hline_stroke(&self, _: &Visuals) -> Stroke {
        Stroke::NONE
    }

    fn resize_stroke(&self, style: &Style, state: egui_tiles::ResizeState) -> Stroke {
        let tokens = tokens(&style.visuals);
        match state {
            egui_tiles::ResizeState::Idle => Stroke::new(5.0, tokens.window),
            egui_tiles::ResizeState::Hovering => Stroke::new(3.0, tokens.line),
            egui_tiles::ResizeState::Dragging => Stroke::new(3.0, tokens.accent),
        }
    }
}

fn tokens(visuals: &Visuals) -> &'static Tokens {
    if visuals.dark_mode { &crate::theme::DARK } else { &crate::theme::LIGHT }
}
