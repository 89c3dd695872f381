//! Where the panels stand: tiles that can be dragged, stacked and resized, remembered between starts.

use crate::panels::{Cx, Panel, REGISTRY, registered};
use crate::theme::{Tokens, size};
use eframe::egui::{Color32, Frame, Id, Margin, Stroke, Style, Ui, Visuals, WidgetText};
use egui_tiles::{
    Behavior, Container, Linear, LinearDir, SimplificationOptions, TabState, Tile, TileId, Tiles, Tree,
    UiResponse,
};
use std::collections::BTreeMap;

/// Key under which the layout is stored. The number changes when the default does.
pub const KEY: &str = "layout-3";

/// Panels by name; what they remember lies in the panels.
pub struct Layout {
    tree: Tree<String>,
    /// The one that is not shown: of comparisons, or while one is shown, the other.
    other: Tree<String>,
    comparing: bool,
    panels: BTreeMap<&'static str, Box<dyn Panel>>,
}

impl Layout {
    /// The default layout, or a stored one; panels that no longer exist are left out.
    pub fn new(stored: Option<Tree<String>>) -> Self {
        let usable = |tree: &Tree<String>| !tree.is_empty();
        let tree = stored.filter(usable).unwrap_or_else(default_tree);
        let panels = REGISTRY.iter().map(|r| (r.id, (r.make)())).collect();
        Self { tree, other: comparison_tree(), comparing: false, panels }
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

    /// Shows a panel, and brings it to the front of its tabs.
    pub fn reveal(&mut self, id: &str) {
        if self.tree.tiles.find_pane(&id.to_owned()).is_none() {
            self.toggle(id);
        }
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if pane == id));
    }

    /// Draws all panels.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.tree.ui(&mut Tiled { panels: &mut self.panels, cx }, ui);
    }
}

/// The map and what is beside and below it.
fn default_tree() -> Tree<String> {
    let mut tiles = Tiles::default();
    let mut pane = |id: &str| tiles.insert_pane(id.to_owned());
    let (map, crossover, parts, users) = (pane("map"), pane("crossover"), pane("parts"), pane("users"));
    let (graph, inspector, controls) = (pane("graph"), pane("inspector"), pane("controls"));
    let editor = pane("editor");
    let main = tiles.insert_tab_tile(vec![map, editor]);
    let below = split(&mut tiles, LinearDir::Horizontal, &[(parts, 1.0), (users, 1.0)]);
    let centre = split(&mut tiles, LinearDir::Vertical, &[(main, 1.75), (below, 1.0)]);
    let close = tiles.insert_tab_tile(vec![graph, inspector]);
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
    cx: &'a mut Cx<'b>,
}

impl Behavior<String> for Tiled<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut String) -> UiResponse {
        let frame = Frame::new().fill(self.cx.tokens.panel).inner_margin(Margin::same(size::INSET));
        frame.show(ui, |ui| {
            if let Some(panel) = self.panels.get_mut(pane.as_str()) {
                panel.show(ui, self.cx);
            }
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &String) -> WidgetText {
        registered(pane).map_or("?", |r| r.title).into()
    }

    fn retain_pane(&mut self, pane: &String) -> bool {
        registered(pane).is_some()
    }

    fn is_tab_closable(&self, _: &Tiles<String>, _: TileId) -> bool {
        true
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
